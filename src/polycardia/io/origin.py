"""What every result file says of itself: how its heart fared, and where its numbers come from."""

from collections.abc import Mapping
from dataclasses import dataclass

import h5py

from polycardia.io.inside import inside

SOLVED = "solved"
PREPARED = "prepared"


@dataclass(frozen=True)
class Outcome:
    """How a heart fared.

    Attributes:
        status: `SOLVED`, `PREPARED`, or the ``outcome`` of a `PatientFailure`.
        detail: a sentence, empty where there is nothing to say.
    """

    status: str
    detail: str = ""


def write_outcome(file: h5py.File, outcome: Outcome) -> None:
    group = file.create_group("outcome")
    group.attrs["status"] = outcome.status
    # Sentences quote what files said, and HDF5 takes no NUL.
    group.attrs["detail"] = "".join(c if c.isprintable() else "?" for c in outcome.detail)


def read_outcome(file: h5py.File) -> Outcome:
    attributes = inside(file, "outcome").attrs
    return Outcome(str(attributes["status"]), str(attributes["detail"]))


def write_provenance(file: h5py.File, provenance: Mapping[str, object]) -> None:
    group = file.create_group("provenance")
    for name, value in provenance.items():
        group.attrs[name] = value
