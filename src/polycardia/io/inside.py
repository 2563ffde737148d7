"""Ways through an HDF5 file that never leave it.

HDF5 follows a link to any file that the user may read, and takes a dataset's values from one.  What
is read for a person, exported or packed has to be what the file itself holds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from polycardia.errors import BadArchive

# What h5py raises for a file that is damaged or laid out differently.
UNREADABLE = (OSError, KeyError, RuntimeError, ValueError, TypeError, AttributeError, IndexError)
"""`h5py` maps HDF5's errors to any of these."""


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what h5py raises for a damaged file into one sentence.

    Raises:
        BadArchive: the block met something that is not as the format says.
    """
    try:
        yield
    except UNREADABLE as error:
        reason = str(error.args[0]) if error.args else type(error).__name__
        raise BadArchive(f"{path}: {reason.splitlines()[0] if reason else 'damaged'}") from None


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
    if isinstance(found, h5py.Dataset) and (found.is_virtual or found.external):
        raise BadArchive(
            f"{parent.file.filename}: {_below(parent, path)} takes its values from another file"
        )
    return found


def _below(parent: h5py.Group, path: str) -> str:
    return f"{parent.name}/{path}".lstrip("/")
