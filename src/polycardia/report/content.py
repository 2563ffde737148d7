"""What the page of a cohort shows, as data."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from polycardia.cohort import QUANTITIES

SOLVED = "solved"
UNDER_RESOLVED = "under_resolved"  # the measure that is 1 where it holds

Scalar = str | float | bool | None


class Picture(Protocol):
    """One view of a heart; `io.pictures.Picture` is one."""

    @property
    def caption(self) -> str: ...

    @property
    def png(self) -> bytes: ...


@dataclass(frozen=True)
class Setting:
    """One setting of the study.

    Attributes:
        value: as the study has it; lists of settings are given as text.
        unit: empty where there is none.
        meaning: what it is, in words.
    """

    value: Scalar
    unit: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class PatientReport:
    """One heart.

    Attributes:
        patient: identifier.
        status: ``solved``, or the outcome's name.
        detail: sentence that says what was found, where there is one.
        clinical: value by column of the cohort table; None where the cell is empty.
        measures: value and unit by name.
        ecg: ``(12, n)`` [mV] in the order of `physics.leads.LEADS`, or None.
        sampling_interval: of the ECG [ms].
        pictures: of the activation.
        no_pictures: why a solved heart has none, where that is worth saying.
    """

    patient: str
    status: str
    detail: str = ""
    clinical: Mapping[str, Scalar] = field(default_factory=dict)
    measures: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    ecg: NDArray[np.float32] | None = None
    sampling_interval: float = 1.0
    pictures: Sequence[Picture] = ()
    no_pictures: str = ""

    def __post_init__(self) -> None:
        shape = None if self.ecg is None else self.ecg.shape
        if shape is not None and (len(shape) != 2 or shape[0] != 12 or shape[1] < 2):
            raise ValueError(
                f"{self.patient}: ECG is {shape}, expected (12, n) with n of 2 or more"
            )

    @property
    def is_under_resolved(self) -> bool:
        """Whether the mesh changes the velocity of fronts by more than the study's limit."""
        return self.measures.get(UNDER_RESOLVED, (0.0, ""))[0] == 1.0


@dataclass(frozen=True)
class CohortReport:
    """A cohort.

    Attributes:
        title: of the study.
        generated: date and time that the page shows.
        settings: by name: a `Setting`, a plain value, or a section, which is a mapping again.
        patients: in the order of the page.
        activation_range: earliest and latest activation [ms] that the pictures' colours span,
            as it was given to `io.pictures`; None where there are no pictures.
        ecgs: the most hearts that have a part of the page of their own.
        wanted: patients that have one before others.
        version: of the program.
        run: name of the page beside this one that tells of the run; none if empty.
        clinical_units: unit by clinical column.
    """

    title: str
    generated: datetime
    settings: Mapping[str, object]
    patients: Sequence[PatientReport]
    activation_range: tuple[float, float] | None = None
    ecgs: int = 1000
    wanted: Collection[str] = ()
    version: str = ""
    run: str = ""
    clinical_units: Mapping[str, str] = field(
        default_factory=lambda: {name: quantity.unit for name, quantity in QUANTITIES.items()}
    )


def chosen(patients: Sequence[str], limit: int, wanted: Collection[str]) -> list[str]:
    """Return the patients whose hearts are drawn, in order.

    Args:
        patients: who could be, in the order of the page.
        limit: how many are.
        wanted: come before those that stand further up the page.
    """
    named = [patient for patient in patients if patient in wanted][:limit]
    others = (patient for patient in patients if patient not in wanted)
    among = {*named, *islice(others, limit - len(named))}
    return [patient for patient in patients if patient in among]
