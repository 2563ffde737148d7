"""Mesh files that take their values from elsewhere, found before a library follows them.

VTK and meshio read whatever a file of theirs names: arrays of another file through a link of HDF5,
raw bytes of any file as numbers, and as many values as a header claims.
"""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import h5py

from polycardia.io.content import DEEPEST
from polycardia.io.inside import fault_of

XDMF_SUFFIXES = (".xdmf", ".xmf", ".xdmf3", ".xmf3")


def reference_fault(file: Path) -> str | None:
    """Say which of a mesh file's values are not in it, or for XDMF, not below its folder.

    Raises:
        Exception: whatever the libraries raise that look into it.
    """
    if file.suffix.lower() in XDMF_SUFFIXES:
        return next(_xdmf_faults(file), None)
    return _hdf5_fault(file) if h5py.is_hdf5(file) else None


def _hdf5_fault(file: Path) -> str | None:
    with h5py.File(file, "r") as opened:
        return next(_faults_below(opened, 0), None)


def _faults_below(group: h5py.Group, depth: int) -> Iterator[str]:
    if depth > DEEPEST:
        yield f"holds groups that are more than {DEEPEST} deep"
        return
    for name in group:
        place = f"{group.name}/{name}".lstrip("/")
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            yield f"{place} is a link to another file"
        elif isinstance(link, h5py.HardLink):  # a soft one leads to another of these, or nowhere
            found = group[name]
            if isinstance(found, h5py.Group):
                yield from _faults_below(found, depth + 1)
            elif isinstance(found, h5py.Dataset) and (fault := fault_of(found)):
                yield f"{place} {fault}"


def _xdmf_faults(file: Path) -> Iterator[str]:
    folder = file.resolve().parent
    arrays = set()
    for item in ElementTree.parse(file).iter("DataItem"):
        text, kind = (item.text or "").strip(), item.get("Format")
        if kind == "HDF":
            named = folder / text.rpartition(":")[0]
            arrays.add(named)
        elif kind == "Binary":
            named = Path(text)
        else:
            continue
        if not named.resolve().is_relative_to(folder):
            yield f"takes values from {text[:80]!r}, expected a file beside the mesh or below"
        elif not named.is_file():
            yield f"takes values from {text[:80]!r}, which is no file"
    for named in sorted(arrays):
        fault = _hdf5_fault(named)
        if fault:
            yield f"takes values from {named.name}: {fault}"
