"""What differs between two groups of two files, a part of one array at a time."""

import math
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from polycardia.errors import BadArchive
from polycardia.io.content import objects, parts, rows_at_once

LONGEST = 60  # characters of a text that are shown
NUMBERS = "biuf"


@dataclass(frozen=True)
class Amount:
    """By how much numbers differ.

    Attributes:
        largest: absolute difference, in the unit of the numbers, where both are known.
        relative: the differences' Euclidean length over that of the first numbers.
        unknown: numbers that are NaN in one of the two.
        exact: whether they are whole numbers, which no tolerance is for.
    """

    largest: float
    relative: float
    unknown: int
    exact: bool

    def within(self, tolerance: float) -> bool:
        """Whether the numbers count as equal: NaN does not equal a number, whatever the rest."""
        if self.unknown:
            return False
        return self.largest == 0.0 or (not self.exact and self.relative <= tolerance)


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same in both.

    Attributes:
        where: path of the dataset, and behind ``@`` the attribute.
        found: a sentence's worth of what it is in the first and in the second.
        amount: where both are numbers of one shape.
    """

    where: str
    found: str
    amount: Amount | None = None


def differences(
    first: h5py.Group, second: h5py.Group, tolerance: float, leave_out: Set[str]
) -> Iterator[Difference]:
    """Yield what differs below two groups.

    Args:
        first: one of them.
        second: the other.
        tolerance: relative difference up to which floating-point arrays count as equal.
        leave_out: names of members that are passed over.

    Raises:
        BadArchive: a file is damaged.
    """
    ours, theirs = dict(objects(first, leave_out)), dict(objects(second, leave_out))
    for path in sorted(ours | theirs):
        if path not in theirs:
            yield Difference(path, "only in the first")
        elif path not in ours:
            yield Difference(path, "only in the second")
        else:
            yield from _object_differences(path, ours[path], theirs[path], tolerance)


def _object_differences(
    path: str, ours: Any, theirs: Any, tolerance: float
) -> Iterator[Difference]:
    kinds = [_kind(found) for found in (ours, theirs)]
    if kinds[0] != kinds[1]:
        yield Difference(path, f"{kinds[0]} and {kinds[1]}")
        return
    if isinstance(ours, h5py.SoftLink):
        if ours.path != theirs.path:
            yield Difference(path, _shown(ours.path, theirs.path))
        return
    if isinstance(ours, h5py.Dataset):
        yield from _dataset_differences(path, ours, theirs, tolerance)
    yield from _attribute_differences(path, ours, theirs)


def _kind(found: Any) -> str:
    if isinstance(found, h5py.SoftLink):
        return "link"
    return "array" if isinstance(found, h5py.Dataset) else "group"


def _dataset_differences(
    path: str, ours: h5py.Dataset, theirs: h5py.Dataset, tolerance: float
) -> Iterator[Difference]:
    if ours.shape != theirs.shape:
        yield Difference(path, f"shapes {ours.shape} and {theirs.shape}")
        return
    if ours.dtype != theirs.dtype:
        yield Difference(path, f"types {ours.dtype} and {theirs.dtype}")
    try:
        step = min(rows_at_once(ours), rows_at_once(theirs))
        pairs = zip(parts(ours, step), parts(theirs, step), strict=True)
        if ours.dtype.kind in NUMBERS and theirs.dtype.kind in NUMBERS:
            amount = amount_of(pairs)
            if not amount.within(tolerance):
                yield Difference(path, "", amount)
        else:
            yield from _text_difference(path, pairs)
    except OSError as error:
        raise BadArchive(
            f"{path} of {ours.file.filename} or of {theirs.file.filename} is damaged: "
            f"{error.args[0]}"
        ) from None


def amount_of(pairs: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> Amount:
    """Return by how much arrays differ that come in parts; NaN equals NaN."""
    largest = squares = length = 0.0
    unknown, exact = 0, True
    for ours, theirs in pairs:
        exact = exact and ours.dtype.kind != "f" and theirs.dtype.kind != "f"
        apart = ours != theirs
        missing = np.isnan(ours), np.isnan(theirs)
        unknown += int(np.count_nonzero(missing[0] ^ missing[1]))
        known = apart & ~missing[0] & ~missing[1]
        change = np.abs(ours[known].astype(float) - theirs[known].astype(float))
        largest = max(largest, float(change.max(initial=0.0)))
        squares += float(np.sum(change**2))
        length += float(np.sum(np.abs(ours[~missing[0]].astype(float)) ** 2))
    relative = math.sqrt(squares / length) if length else (math.inf if squares else 0.0)
    return Amount(largest, relative, unknown, exact)


def _text_difference(
    path: str, pairs: Iterable[tuple[NDArray[Any], NDArray[Any]]]
) -> Iterator[Difference]:
    for ours, theirs in pairs:
        apart = np.atleast_1d(ours) != np.atleast_1d(theirs)
        if apart.any():
            first, second = np.atleast_1d(ours)[apart][0], np.atleast_1d(theirs)[apart][0]
            yield Difference(path, _shown(first, second))
            return


def _attribute_differences(path: str, ours: Any, theirs: Any) -> Iterator[Difference]:
    for name in sorted({*ours.attrs, *theirs.attrs}):
        where = f"{path}@{name}"
        if name not in theirs.attrs:
            yield Difference(where, "only in the first")
        elif name not in ours.attrs:
            yield Difference(where, "only in the second")
        elif not _same(first := ours.attrs[name], second := theirs.attrs[name]):
            yield Difference(where, _shown(first, second))


def _same(first: object, second: object) -> bool:
    one, other = np.asarray(first), np.asarray(second)
    floating = one.dtype.kind in "fc" and other.dtype.kind in "fc"
    return np.array_equal(one, other, equal_nan=floating)


def _shown(first: object, second: object) -> str:
    return " and ".join(_short(found) for found in (first, second))


def _short(found: object) -> str:
    text = repr(found.decode(errors="replace") if isinstance(found, bytes) else found)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
