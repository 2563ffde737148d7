"""Exported archives as CSV or Parquet: one table of patients, and one long table of each ECG."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polycardia.io.atomic import FILE_MODE
from polycardia.io.exported import Exported, texts
from polycardia.io.optional import needed
from polycardia.io.private_folder import below, new_text, write_json

ECG_COLUMNS = {
    "lead": {"Description": "I II III aVR aVL aVF V1 to V6"},
    "time": {"Description": "since the start of the simulation", "Units": "ms"},
    "potential": {"Description": "of the lead", "Units": "mV"},
}

FORMULA_SIGNS = ("=", "+", "-", "@")  # of tabs and line ends texts are free


def write_csv(folder: Path, source: Exported) -> int:
    """Write ``patients.csv``, ``ecg/<patient>.csv`` and what their columns are, beside them.

    Returns:
        How many ECGs there are.
    """
    _write_dictionaries(folder, source)
    with new_text(folder / "patients.csv") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(source.columns)
        table.writerows([name, *map(_inert, cells)] for name, *cells in source.rows(unknown=""))
    return _each_ecg(folder, source, "csv", _write_ecg)


def write_parquet(folder: Path, source: Exported) -> int:
    """Write ``patients.parquet``, ``ecg/<patient>.parquet`` and what their columns are.

    The folder of ECGs reads as one table: each has a column with the patient.

    Raises:
        BadStudy: pyarrow is not installed.
    """
    needed("pyarrow", "Parquet files")
    pandas = needed("pandas", "Parquet files")
    _write_dictionaries(folder, source)
    table = source.archive.patients.reset_index()[list(source.columns)]
    # Pandas writes these into the file, where names of columns that stay behind would be, too.
    table.attrs = {"units": {k: v for k, v in source.archive.units.items() if k in table}}
    _write_parquet(table, folder / "patients.parquet")

    def write(path: Path, leads: NDArray[np.float32], source: Exported) -> None:
        names, times, potentials = _long(leads, source)
        columns = {"patient": path.stem, "lead": names, "time": times, "potential": potentials}
        _write_parquet(pandas.DataFrame(columns), path)

    return _each_ecg(folder, source, "parquet", write)


def _inert(cell: str) -> str:
    """Return a cell that no spreadsheet computes: a sentence may begin with a file's name.

    As OWASP has it (https://owasp.org/www-community/attacks/CSV_Injection).  Identifiers need none.
    """
    if not cell.startswith(FORMULA_SIGNS):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def _write_dictionaries(folder: Path, source: Exported) -> None:
    write_json(folder / "patients.json", source.dictionary())
    write_json(folder / "ecg.json", ECG_COLUMNS)


def _each_ecg(
    folder: Path,
    source: Exported,
    suffix: str,
    write: Callable[[Path, NDArray[np.float32], Exported], None],
) -> int:
    place, count = below(folder, "ecg"), 0
    for patient, leads in source.ecgs():
        write(place / f"{patient}.{suffix}", leads, source)
        count += 1
    return count


def _long(
    leads: NDArray[np.float32], source: Exported
) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float32]]:
    """Return lead, time [ms] and potential [mV] of every sample, one lead after another."""
    ecg = source.archive.ecg
    n_samples = leads.shape[1]
    times = np.tile(ecg.times[:n_samples], len(leads))
    return np.repeat(np.array(ecg.leads, object), n_samples), times, leads.ravel()


def _write_ecg(path: Path, leads: NDArray[np.float32], source: Exported) -> None:
    names, times, potentials = _long(leads, source)
    with new_text(path) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(ECG_COLUMNS)
        table.writerows(zip(names, texts(times, ""), texts(potentials, ""), strict=True))


def _write_parquet(table: Any, path: Path) -> None:
    path.touch(mode=FILE_MODE, exist_ok=False)
    table.to_parquet(path, engine="pyarrow", index=False)


def lines_of(leads: NDArray[np.float32], times: NDArray[np.float64]) -> Iterator[list[str]]:
    """Yield a line a sample: its time [ms] and the potential of each lead [mV]."""
    columns = [texts(times, ""), *(texts(lead, "") for lead in leads)]
    return (list(line) for line in zip(*columns, strict=True))
