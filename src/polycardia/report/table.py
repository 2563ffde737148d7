"""The table of patients: which columns there are, and what stands in each cell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from polycardia.report.content import UNDER_RESOLVED, CohortReport, PatientReport, Scalar
from polycardia.report.wording import decimals, label, number, pretty_unit, written

# Measures and columns that a reader looks for first; the others follow in the order they come.
FIRST_MEASURES = ("qrs_duration", "qt_interval", "total_activation_time")
FIRST_CLINICAL = ("sex", "age", "height", "weight")


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: as in the archive.
        label: in words.
        unit: empty where there is none.
        is_numeric: numbers are set to the right and sorted by size.
        cells: one text a patient.
    """

    name: str
    label: str
    unit: str
    is_numeric: bool
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """Columns in two groups: what the cohort table brought, and what was computed."""

    clinical: tuple[Column, ...]
    measures: tuple[Column, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        return self.clinical + self.measures


def tabulate(cohort: CohortReport) -> Table:
    """Return the columns that at least one patient has a value in.

    The outcome's cell says in words which hearts are under-resolved.
    """
    patients = cohort.patients
    clinical = [
        column(name, cohort.clinical_units.get(name, ""), [p.clinical.get(name) for p in patients])
        for name in _ordered(FIRST_CLINICAL, (p.clinical for p in patients))
    ]
    measures = [
        column(name, _unit(name, patients), [p.measures.get(name, (None,))[0] for p in patients])
        for name in _ordered(FIRST_MEASURES, (p.measures for p in patients))
        if name != UNDER_RESOLVED
    ]
    return Table(
        tuple(one for one in clinical if one is not None),
        tuple(one for one in measures if one is not None),
    )


def _ordered(first: Sequence[str], names: Iterable[Iterable[str]]) -> list[str]:
    """Return all names once: the chosen ones in front, the others as they come."""
    seen: dict[str, None] = {}
    for group in names:
        seen.update(dict.fromkeys(group))
    return [name for name in first if name in seen] + [name for name in seen if name not in first]


def _unit(name: str, patients: Sequence[PatientReport]) -> str:
    return next((p.measures[name][1] for p in patients if name in p.measures), "")


def column(name: str, unit: str, values: Sequence[Scalar]) -> Column | None:
    """Return a column of a value a row, or None where no row has one."""
    given = [value for value in values if value is not None and value != ""]
    if not given:
        return None
    places = decimals(given, unit)
    return Column(
        name=name,
        label=label(name),
        unit=pretty_unit(unit),
        is_numeric=not any(isinstance(value, str | bool) for value in given),
        cells=tuple(written(value, places) for value in values),
    )


def headline(patient: PatientReport) -> list[str]:
    """Return the first measures of a heart as short texts."""
    found = []
    for name in FIRST_MEASURES:
        value, unit = patient.measures.get(name, (None, ""))
        if number(value) is not None:
            places = decimals([value], unit)
            found.append(f"{label(name)} {written(value, places)} {pretty_unit(unit)}".strip())
    return found
