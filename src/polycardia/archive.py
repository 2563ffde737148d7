"""Reading archives from Python: ``docs/reading.md`` shows how.

from polycardia.archive import open_archive

with open_archive("results/cohort.h5") as archive:
    archive.patients["simulated_qrs_duration"]
    archive.ecg["s0001"]
    archive.hearts["s0001"].point_fields["activation_time"][:100]
"""

from polycardia.io.archive_reader import Archive, Hearts, open_archive
from polycardia.io.ecg_reader import Ecgs
from polycardia.io.heart_reader import Cells, Field, Fields, Heart, Measure

__all__ = [
    "Archive", "Cells", "Ecgs", "Field", "Fields", "Heart", "Hearts", "Measure", "open_archive",
]  # fmt: skip
