"""An archive's table and ECGs for programs that do not read HDF5."""

from collections.abc import Callable, Mapping
from pathlib import Path

from polycardia.io.archive_reader import open_archive
from polycardia.io.bids_export import write_bids
from polycardia.io.exported import Exported, exported
from polycardia.io.private_folder import whole_folder
from polycardia.io.table_export import write_csv, write_parquet

FORMATS: Mapping[str, Callable[[Path, Exported], int]] = {
    "csv": write_csv,
    "parquet": write_parquet,
    "bids": write_bids,
}


def export(archive: Path, kind: str, output: Path, *, clinical: bool) -> str:
    """Write an archive in another format, and return a line about what was.

    Args:
        archive: ``cohort.h5`` or a packed archive.
        kind: one of `FORMATS`.
        output: folder, which must be new or empty; it holds all of the export or does not exist.
        clinical: whether what the cohort table says of the patients leaves with it.

    Raises:
        BadStudy: the folder is taken, or what the format needs is not installed.
        BadArchive: the archive cannot be read.
        MachineTrouble: writing failed.
    """
    with open_archive(archive) as cohort, whole_folder(output) as folder:
        source = exported(cohort, clinical=clinical)
        n_ecgs = FORMATS[kind](folder, source)
        left_out = len(cohort.columns) - len(source.columns)
        said = f"{output}: {len(cohort)} patients, {n_ecgs} ECGs"
    return said + (f"; {left_out} clinical columns left out" if left_out else "")
