"""From the archive to a page for people."""

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import polycardia
from polycardia.cohort import QUANTITIES
from polycardia.config import Report, Study
from polycardia.io.archive_file import CohortTable, read_table
from polycardia.io.atomic import require_writable
from polycardia.io.kept_pictures import Subject, drawn_or_kept
from polycardia.io.pictures import Drawing
from polycardia.io.seal import sealed_file
from polycardia.report.content import SOLVED, CohortReport, PatientReport, chosen
from polycardia.report.page import render
from polycardia.report.settings import described
from polycardia.study.archive import SIMULATED
from polycardia.study.damage import require_whole_input
from polycardia.study.run_page import write_run_page
from polycardia.study.status import Status

log = logging.getLogger(__name__)

LATEST = SIMULATED + "latest_activation_time"
RUN = "run.html"  # beside the page
KEPT = "work/report.pictures"  # no patient's folder: their names have no dot


def report(archive: Path, study: Study, output: Path) -> None:
    """Write the page of a cohort, and beside it that of its run.

    Args:
        archive: ``cohort.h5`` with its hearts beside it.
        study: shown with units; ``study.report`` says what the page holds.
        output: ``index.html``.

    Raises:
        BadArchive: the archive is missing or damaged.
    """
    require_whole_input(archive)
    table = read_table(archive)
    require_writable(output)  # drawing thousands of hearts takes a while
    names = [str(name) for name in table.columns["patient"]]
    spread = _activation_range(table)
    drawings = _drawings(archive.parent, table, study.report, spread) if spread else {}
    page = render(
        CohortReport(
            title=study.report.title,
            generated=datetime.now(),
            settings=described(study),
            patients=[
                _patient(table, row, drawings.get(name, Drawing()))
                for row, name in enumerate(names)
            ],
            activation_range=spread if drawings else None,
            ecgs=study.report.ecgs,
            wanted=study.report.patients,
            version=polycardia.__version__,
            run=RUN,
        )
    )
    with sealed_file(output) as part:
        part.write_text(page.rstrip() + "\n", encoding="utf-8")
    run = Status(names, archive.parent)
    write_run_page(run.look(), run.now, output.with_name(RUN), title=study.report.title)
    log.info("%d patients, %d with pictures, %.1f MB", len(names), len(drawings), len(page) / 1e6)


def _activation_range(table: CohortTable) -> tuple[float, float] | None:
    """Return one range [ms] for the colours of all hearts, so that they can be compared."""
    if not (table.columns["status"] == SOLVED).any():
        return None
    latest: NDArray[np.float64] = table.columns[LATEST].astype(np.float64)
    return 0.0, float(np.nanmax(latest))


def _drawings(
    results: Path, table: CohortTable, wanted: Report, spread: tuple[float, float]
) -> Mapping[str, Drawing]:
    """Return the pictures of the hearts that have some on the page, by patient."""
    digests = {
        str(name): str(digest)
        for name, digest, status in zip(
            *(table.columns[column] for column in ("patient", "heart_sha256", "status")),
            strict=True,
        )
        if status == SOLVED
    }
    names = chosen(list(digests), wanted.pictures, wanted.patients)
    subjects = [Subject(results / "hearts" / f"{name}.vtkhdf", digests[name]) for name in names]
    kept = drawn_or_kept(subjects, range_ms=spread, folder=results / KEPT)
    return dict(zip(names, kept, strict=True))


def _patient(table: CohortTable, row: int, drawing: Drawing) -> PatientReport:
    columns = table.columns
    measures = {
        name.removeprefix(SIMULATED): (float(values[row]), table.units.get(name, ""))
        for name, values in columns.items()
        if name.startswith(SIMULATED) and not np.isnan(values[row])
    }
    ecg = table.leads[row]
    return PatientReport(
        patient=str(columns["patient"][row]),
        status=str(columns["status"][row]),
        detail=str(columns["detail"][row]),
        clinical={
            "sex": str(columns["sex"][row]) or None,
            **{name: _known(columns[name][row]) for name in QUANTITIES},
        },
        measures=measures,
        ecg=None if np.isnan(ecg).all() else ecg,
        sampling_interval=table.sampling_interval,
        pictures=drawing.pictures,
        no_pictures=drawing.reason,
    )


def _known(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
