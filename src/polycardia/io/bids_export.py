"""Exported archives as a folder in the manner of the Brain Imaging Data Structure.

Files lie, and are described, as https://bids-specification.readthedocs.io says of derivatives; ECGs
are no data type of its own there, so that its validator does not know them.
"""

import csv
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from polycardia.errors import BadStudy
from polycardia.io.archive_reader import Archive
from polycardia.io.exported import Exported
from polycardia.io.private_folder import below, new_text, write_json
from polycardia.io.table_export import lines_of

BIDS_VERSION = "1.10.0"
UNKNOWN = "n/a"
MS_PER_S = 1000.0
ID = {"Description": "sub- and the patient's identifier without _ and -, which labels cannot have"}


def write_bids(folder: Path, source: Exported) -> int:
    """Write ``participants.tsv``, ``sub-<label>/ecg/`` and their descriptions.

    Returns:
        How many ECGs there are.

    Raises:
        BadStudy: two patients would have the same label.
    """
    labels = _labels(source.archive)
    write_json(folder / "dataset_description.json", _description(source.archive))
    write_json(folder / "participants.json", {"participant_id": ID, **source.dictionary()})
    with new_text(folder / "participants.tsv") as file:
        file.write("\t".join(["participant_id", *source.columns]) + "\n")
        rows = source.rows(unknown=UNKNOWN)
        for patient, row in zip(source.archive.names, rows, strict=True):
            file.write("\t".join([f"sub-{labels[patient]}", *row]) + "\n")
    count = 0
    for patient, leads in source.ecgs():
        _write_ecg(folder, f"sub-{labels[patient]}", leads, source.archive)
        count += 1
    return count


def _labels(archive: Archive) -> dict[str, str]:
    """Return each patient's label: letters and digits, and different whatever their case."""
    labels = {name: re.sub("[_-]", "", name) for name in archive.names}
    seen: dict[str, str] = {}
    for name, label in labels.items():
        other = seen.setdefault(label.lower(), name)
        if not label or other != name:
            raise BadStudy(
                f"{archive.path}: patients {other} and {name} would both be sub-{label}, whose "
                "labels have no _ and -"
                if label
                else f"{archive.path}: patient {name} has no letter and no digit for a label"
            )
    return labels


def _description(archive: Archive) -> dict[str, object]:
    return {
        "Name": f"Simulated 12-lead ECGs of {len(archive)} hearts",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [
            {"Name": "polycardia", "Version": str(archive.provenance.get("version", UNKNOWN))}
        ],
    }


def _write_ecg(folder: Path, subject: str, leads: NDArray[np.float32], archive: Archive) -> None:
    place = below(folder, subject, "ecg")
    ecg = archive.ecg
    with new_text(place / f"{subject}_ecg.csv") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["time", *ecg.leads])
        table.writerows(lines_of(leads, ecg.times[: leads.shape[1]]))
    write_json(
        place / f"{subject}_ecg.json",
        {
            "SamplingFrequency": MS_PER_S / ecg.sampling_interval,
            "StartTime": 0,
            "Columns": ["time", *ecg.leads],
            "time": {"Units": "ms"},
            **{lead: {"Units": ecg.unit} for lead in ecg.leads},
        },
    )
