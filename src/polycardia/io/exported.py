"""What leaves an archive for other programs: which columns, in which words, which ECGs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polycardia.io.archive_reader import Archive

# All else, whatever a later version or a stranger's archive holds, counts as clinical.
OURS = {
    "patient": "identifier in the cohort table",
    "status": "how the simulation of the heart ended",
    "detail": "why the heart has no answer",
    "heart_sha256": "digest of the heart's file that the numbers come from",
}
SIMULATED = "simulated_"


@dataclass(frozen=True)
class Exported:
    """An archive as it is exported.

    Attributes:
        archive: open.
        columns: of the table that are.
    """

    archive: Archive
    columns: Sequence[str]

    def dictionary(self) -> dict[str, dict[str, str]]:
        """Return what each column is, as BIDS writes it beside a table."""
        units = self.archive.units
        return {
            name: {"Description": _description(name)}
            | ({"Units": units[name]} if units.get(name, "1") != "1" else {})
            for name in self.columns
        }

    def rows(self, unknown: str) -> Iterator[list[str]]:
        """Yield the table's rows as text.

        Args:
            unknown: stands for a number that is not known.
        """
        columns = [texts(self.archive.column(name), unknown) for name in self.columns]
        return (list(row) for row in zip(*columns, strict=True))

    def ecgs(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Yield patient and leads ``(12, n)`` [mV] of everybody who has an ECG, one at a time."""
        for name in self.archive.names:
            leads = self.archive.ecg[name]
            known = np.flatnonzero(~np.isnan(leads).all(axis=0))
            if known.size:
                yield name, leads[:, : known[-1] + 1]


def exported(archive: Archive, *, clinical: bool) -> Exported:
    """Return what is exported of an archive.

    Args:
        archive: open.
        clinical: whether the columns that come from the cohort table are.
    """
    kept = [
        name for name in archive.columns if clinical or name in OURS or name.startswith(SIMULATED)
    ]
    return Exported(archive, kept)


def texts(values: NDArray[Any], unknown: str) -> list[str]:
    """Return numbers as the shortest text that gives them back, and text without line breaks."""
    if values.dtype.kind in "OSU":
        return [_in_one_line(str(value)) or unknown for value in values]
    return [unknown if text == "nan" else text for text in values.astype(str)]


def _in_one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _description(name: str) -> str:
    if name in OURS:
        return OURS[name]
    if name.startswith(SIMULATED):
        return f"{name.removeprefix(SIMULATED).replace('_', ' ')} of the simulated heart"
    return f"{name.replace('_', ' ')} as the cohort table says"
