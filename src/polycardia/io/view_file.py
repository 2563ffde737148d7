"""Views: through links, VTK opens hearts that lie elsewhere, one as itself or several as blocks.

VTK follows external links (since 9.1) and reads a MultiBlockDataSet of them.  A
PartitionedDataSetCollection would need an index inside each heart's own group, and one with gaps
ends VTK's reader.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import h5py
import numpy as np

from polycardia.io.atomic import whole_file

GRID = "VTKHDF"


def write_view(output: Path, places: Mapping[str, tuple[Path, str]]) -> None:
    """Write a view of hearts: one opens as itself, several as blocks with the patients' names.

    Args:
        output: links are relative to its folder, so that both may move together.
        places: file and group of a heart, by patient, in the order of the blocks.
    """
    # The system follows a folder that is a link before it goes up from there.
    folder = output.absolute().parent.resolve()
    with whole_file(output) as part, h5py.File(part, "w") as file:
        hearts = file.create_group("hearts")
        for name, (source, group) in places.items():
            hearts[name] = h5py.ExternalLink(os.path.relpath(source.resolve(), folder), group)
        if len(places) == 1:
            (name,) = places
            file[GRID] = h5py.SoftLink(f"/hearts/{name}/{GRID}")
            return
        write_blocks(file, places)


def write_blocks(file: h5py.File, names: Iterable[str]) -> None:
    """Write a MultiBlockDataSet of hearts that ``/hearts`` of the same file leads to.

    VTK takes the blocks from ``Assembly``, and the names of arrays from all else in the group: what
    is not linked to there opens without its fields.  No patient's name is one of VTK's own, for
    ``heart_`` stands before it.
    """
    # VTK walks both groups in the order of their creation.
    view = file.create_group(GRID, track_order=True)
    view.attrs["Version"] = np.array([2, 2], np.int64)
    view.attrs["Type"] = np.bytes_("MultiBlockDataSet")
    assembly = view.create_group("Assembly", track_order=True)
    for name in names:
        view[f"heart_{name}"] = h5py.SoftLink(f"/hearts/{name}/{GRID}")
        assembly[name] = h5py.SoftLink(f"/{GRID}/heart_{name}")
