"""Whether a study's settings and table are those that its archive was made from."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from polycardia.cohort import QUANTITIES, Patient, read_cohort
from polycardia.config import Study, checked
from polycardia.errors import BadStudy
from polycardia.io.archive_reader import Archive


def require_the_same(config: Path, study: Study, archive: Archive, settings: Iterable[str]) -> None:
    """Raise where a crate would name inputs that the results do not come from.

    Args:
        config: where the study was read from.
        study: its settings.
        archive: open.
        settings: that each heart was computed with, JSON.

    Raises:
        BadStudy: hearts were computed with other settings, or the table has other patients or
            says something else of them.
    """
    each = list(settings)
    other = {text for text in set(each) if not _are_of(study, text)}
    if other:
        count = sum(text in other for text in each)
        raise BadStudy(
            f"{config}: {count} of {len(each)} hearts in {archive.path} were computed with other "
            "settings, expected those of the run"
        )
    table = Path(study.cohort)
    patients = read_cohort(table, files_known=True)
    if list(patients) != archive.names:
        many = len({*patients} ^ {*archive.names})
        raise BadStudy(f"{table}: {many} patients are only in it or only in {archive.path}")
    for name in ("sex", *QUANTITIES):
        if not _agree(archive, name, patients.values()):
            raise BadStudy(f"{table}: column {name} is another than in {archive.path}")


def _are_of(study: Study, text: str) -> bool:
    """Whether a heart's settings are the study's; what the heart does not know is by default."""
    found = json.loads(text)
    parts: dict[str, BaseModel] = {
        "preparation": study.preparation(),
        "simulation": study.simulation(),
    }
    try:
        return all(
            checked(type(part), json.dumps(found[name]), name) == part
            for name, part in parts.items()
        )
    except (BadStudy, KeyError):
        return False


def _agree(archive: Archive, name: str, patients: Iterable[Patient]) -> bool:
    column = archive.column(name)
    if name == "sex":
        return [patient.sex or "" for patient in patients] == [*column]
    said = [patient.clinical.get(name, np.nan) for patient in patients]
    return bool(np.array_equal(said, column, equal_nan=True))
