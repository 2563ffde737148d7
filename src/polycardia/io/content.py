"""What an HDF5 group holds, object by object in one order, and a digest of it.

How a file is laid out does not matter: a copy, a packed file and a repacked one hold the same.
"""

import hashlib
import json
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from polycardia.errors import BadArchive
from polycardia.io.inside import inside, told

DEEPEST = 16  # groups in groups; a heart's file has 4
MOST_OBJECTS = 100_000  # in one group with all below; a link to a group above would have no end
BYTES_AT_ONCE = 1 << 22


def objects(group: h5py.Group, leave_out: Set[str] = frozenset()) -> Iterator[tuple[str, Any]]:
    """Yield path and object of a group and of all below it, sorted; soft links as such.

    Args:
        group: the first, with an empty path.
        leave_out: names of its members that are passed over.

    Raises:
        BadArchive: something takes its content from another file, or is damaged, or there is no
            end.
    """
    with told(Path(group.file.filename)):
        for count, found in enumerate(_below(group, "", leave_out, 0)):
            if count > MOST_OBJECTS:
                raise BadArchive(
                    f"{group.file.filename}: {group.name} holds more than {MOST_OBJECTS} objects"
                )
            yield found


def _below(
    group: h5py.Group, path: str, leave_out: Set[str], depth: int
) -> Iterator[tuple[str, Any]]:
    yield path, group
    if depth > DEEPEST:
        raise BadArchive(f"{group.file.filename}: groups are more than {DEEPEST} deep")
    for name in sorted(set(group) - leave_out):
        place = f"{path}/{name}".lstrip("/")
        link = group.get(name, getlink=True)
        found = link if isinstance(link, h5py.SoftLink) else inside(group, name)
        if isinstance(found, h5py.Group):
            yield from _below(found, place, frozenset(), depth + 1)
        else:
            yield place, found


def rows_at_once(data: h5py.Dataset) -> int:
    """Return how many of a dataset's rows take 4 MB."""
    row = data.dtype.itemsize * float(np.prod(data.shape[1:], dtype=float))
    return max(1, int(BYTES_AT_ONCE / max(1.0, row)))


def parts(data: h5py.Dataset, step: int) -> Iterator[NDArray[Any]]:
    """Yield a dataset's rows, ``step`` at a time; a single number as one part."""
    if data.shape == ():
        yield np.asarray(data[()])
    elif data.shape is not None:
        for start in range(0, len(data), step):
            yield np.asarray(data[start : start + step])


def digest(group: h5py.Group, leave_out: Set[str] = frozenset()) -> str:
    """Return the SHA-256 over a group's content, as ``docs/archive-format.md`` defines it.

    Raises:
        BadArchive: as of `objects`.
    """
    total = hashlib.sha256()
    with told(Path(group.file.filename)):
        for path, found in objects(group, leave_out):
            for part in _told_of(path, found):
                total.update(part)
    return total.hexdigest()


def _told_of(path: str, found: Any) -> Iterator[bytes]:
    """Yield what counts of one object."""
    if isinstance(found, h5py.SoftLink):
        yield _line("link", path, found.path)
        return
    if isinstance(found, h5py.Dataset):
        yield _line("dataset", path, _kind(found.dtype), list(found.shape))
        for part in parts(found, rows_at_once(found)):
            yield _bytes(part)
    else:
        yield _line("group", path)
    for name in sorted(found.attrs):
        value = np.asarray(found.attrs[name])
        yield _line("attribute", name, _kind(value.dtype), list(value.shape))
        yield _bytes(value)


def _line(*words: object) -> bytes:
    return json.dumps(words).encode() + b"\n"


def _kind(dtype: np.dtype[Any]) -> str:
    return "text" if dtype.kind in "OU" else dtype.str


def _bytes(values: NDArray[Any]) -> bytes:
    """Numbers as they lie in memory, row by row; text as JSON, which says where each ends."""
    if values.dtype.kind not in "OU":
        return values.tobytes()
    texts = (text.decode() if isinstance(text, bytes) else str(text) for text in values.flat)
    return _line(*texts)
