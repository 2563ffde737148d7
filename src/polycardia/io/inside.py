"""Ways through an HDF5 file that never leave it.

HDF5 follows a link to any file that the user may read, and takes a dataset's values from one.  What
is read for a person, exported or packed has to be what the file itself holds.  And it makes room
for as many values as a dataset claims to have, which is no more than a number in its header.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import h5py

from polycardia.errors import BadArchive

# What h5py raises for a file that is damaged or laid out differently.
UNREADABLE = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, IndexError)
"""`h5py` maps HDF5's errors to any of these."""

NUMBERS_AND_TEXT = "biufS"
MOST_IN_A_BYTE = 1100  # values' bytes in one that is stored; deflate reaches 1032
SMALL = 1 << 28  # [bytes] that any dataset may have, as one that nothing was written to


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what h5py raises for a damaged file into one sentence.

    Raises:
        BadArchive: the block met something that is not as the format says.
    """
    try:
        yield
    except UNREADABLE as error:
        number = error.errno if isinstance(error, OSError) else None
        reason = os.strerror(number) if number else str(*error.args[:1]) or type(error).__name__
        raise BadArchive(f"{path}: {reason.splitlines()[0]}") from None


def inside(parent: h5py.Group, path: str) -> Any:
    """Return the group or dataset at a path below a group, by hard links alone.

    Raises:
        BadArchive: there is none, or the way or the values lead out of the file.
    """
    found: Any = parent
    for name in path.split("/"):
        link = found.get(name, getlink=True) if isinstance(found, h5py.Group) else None
        if link is None:
            raise BadArchive(f"{parent.file.filename}: {_below(parent, path)} is missing")
        if not isinstance(link, h5py.HardLink):
            raise BadArchive(
                f"{parent.file.filename}: {_below(parent, path)} is a link, expected what it holds"
            )
        found = found[name]
    if isinstance(found, h5py.Dataset):
        fault = fault_of(found) or _type_fault(found)
        if fault:
            raise BadArchive(f"{parent.file.filename}: {_below(parent, path)} {fault}")
    return found


def fault_of(data: h5py.Dataset) -> str:
    """Say what makes a dataset one that is not read, or nothing.

    Its values are elsewhere, or more than can come from what is stored of them.
    """
    if data.is_virtual or data.external:
        return "takes its values from another file"
    if data.shape is None:
        return ""
    claimed = prod(data.shape) * data.dtype.itemsize  # Python's numbers have no end
    # Parts of a dataset may lie over one another, so that together they are more than the file.
    stored = min(data.id.get_storage_size(), h5py.h5i.get_file_id(data.id).get_filesize())
    if claimed > SMALL + MOST_IN_A_BYTE * stored:
        return f"claims {claimed} bytes of values and stores {stored}"
    return ""


def _type_fault(data: h5py.Dataset) -> str:
    known = data.dtype.kind in NUMBERS_AND_TEXT or h5py.check_string_dtype(data.dtype) is not None
    return "" if known else f"holds values of the type {data.dtype}, expected numbers or text"


def _below(parent: h5py.Group, path: str) -> str:
    return f"{parent.name}/{path}".lstrip("/")
