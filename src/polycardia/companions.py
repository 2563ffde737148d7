"""Which files belong to one mesh, and what the name of a surface file says.

Standard library only: the workflow asks this for every patient while it is parsed.
"""

import os
import re
import time
from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from itertools import takewhile
from pathlib import Path

CARP_SUFFIXES = (".pts", ".elem", ".lon")
SURFACE_SUFFIXES = (".surf", ".vtp", ".vtk", ".vtu", ".stl", ".ply")
# XDMF keeps its arrays in files that it names like "heart.h5:/points"; only its head is searched.
_XDMF_SUFFIXES = (".xdmf", ".xmf", ".xdmf3", ".xmf3")
_XDMF_REFERENCE = re.compile(r"([^\s<>\"':]+\.(?:h5|hdf5|hdf|bin))\b")
_XDMF_HEAD = 1 << 20  # [bytes]
# A folder that changed more recently than this when it was listed may change again without
# another time of change: file systems count in ticks, the coarsest of a second.
_SETTLED = 1_000_000_000  # [ns]

# Names of physics.mesh.Surface, and what people call them, without case and punctuation.
_ALIASES = {
    "LV_ENDO": "lvendo endolv lv lvendocardium lvendocardial endocardiumlv leftendo leftventricle",
    "RV_ENDO": "rvendo endorv rv rvendocardium rvendocardial endocardiumrv rightendo "
    "rightventricle rvsept rvseptum rvendosept rvendoseptum rvfw rvfreewall",
    "EPI": "epi epicardium epicardial epilv epirv lvepi rvepi",
    "BASE": "base basal baselv baserv lvbase rvbase valves valve rims rim "
    "mitral aortic tricuspid pulmonary mv av tv pv",
}
_SURFACES = {alias: surface for surface, names in _ALIASES.items() for alias in names.split()}


def surface_named(name: str) -> str | None:
    """Name of the `Surface` that people mean by ``name``, or None: ``LV-endo`` is LV_ENDO."""
    return _SURFACES.get(re.sub(r"[^a-z0-9]", "", name.lower()))


def with_ending(base: Path, ending: str) -> Path:
    """``base`` with ``ending`` behind its whole name: dots in a base name are not suffixes."""
    return base.with_name(base.name + ending)


def carp_base(mesh: Path) -> Path | None:
    """Common base of a CARP mesh given by it or by any of its files; None for other formats.

    ``heart.pts``, ``heart.lv_endo.surf`` and ``heart`` all give ``heart``.
    """
    if mesh.suffix in CARP_SUFFIXES:
        return mesh.with_suffix("")
    if mesh.suffix == ".surf":
        cuts = [match.start() for match in re.finditer(r"[._]", mesh.name)]
        bases = [mesh.with_name(mesh.name[:cut]) for cut in reversed(cuts) if cut]
        with_points = (base for base in bases if with_ending(base, ".pts").is_file())
        return next(with_points, mesh.with_suffix(""))
    return mesh if with_ending(mesh, ".pts").is_file() else None


def labelled_surfaces(given: Path) -> list[tuple[Path, str]]:
    """Surface files whose names carry a label, with the name of that `Surface`, sorted.

    Args:
        given: a folder of files such as ``lv_endo.surf`` or ``anything.epi.vtp``, or what the
            names of such files have in common, as for `surfaces_beside`.
    """
    if not given.is_dir():
        return surfaces_beside(given)
    files = (given / name for name in _names_in(given))
    labelled = ((file, label_at_end(file.stem)) for file in files if _is_surface(file))
    return [(file, label) for file, label in labelled if label is not None]


def surfaces_beside(base: Path) -> list[tuple[Path, str]]:
    """Files ``<base>.<label>.surf`` or ``<base>_<label>.surf`` with the name of their `Surface`."""
    if not base.parent.is_dir():
        return []
    names = _names_in(base.parent)
    found = []
    for beginning in (f"{base.name}.", f"{base.name}_"):
        for name in _beginning_with(names, beginning):
            file = base.with_name(name)
            label = surface_named(file.stem.removeprefix(base.name))
            found += [(file, label)] if label is not None and _is_surface(file) else []
    return found


def _beginning_with(names: tuple[str, ...], beginning: str) -> Iterator[str]:
    """Those of the sorted names that begin so, without a look at the others."""
    first = bisect_left(names, beginning)
    places = takewhile(lambda i: names[i].startswith(beginning), range(first, len(names)))
    return (names[i] for i in places)


def _names_in(folder: Path) -> tuple[str, ...]:
    """What a folder holds, sorted; one that has not changed since is not listed again."""
    changed = folder.stat().st_mtime_ns
    if time.time_ns() - changed < _SETTLED:
        return _listing(folder)
    return _settled_listing(folder.absolute(), changed)


@lru_cache(maxsize=64)
def _settled_listing(folder: Path, changed: int) -> tuple[str, ...]:
    """As `_listing`, remembered for as long as the folder's time of change stays ``changed``."""
    return _listing(folder)


def _listing(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(os.listdir(folder)))


def _is_surface(file: Path) -> bool:
    return file.suffix.lower() in SURFACE_SUFFIXES and file.is_file()


def label_at_end(name: str) -> str | None:
    """Label that a name ends with, the longest: ``lv_endo`` and ``heart-a.lv_endo`` are LV_ENDO."""
    endings = [name] + [name[cut.end() :] for cut in re.finditer(r"[._-]", name)]
    labels = (surface_named(ending) for ending in endings)
    return next((label for label in labels if label is not None), None)


def surface_files(given: Path) -> list[Path]:
    """Files that hold the surfaces given by a file, a folder or a common beginning."""
    return [given] if given.is_file() else [file for file, _ in labelled_surfaces(given)]


def companions(mesh: Path, surfaces: Path | None = None, fibres: Path | None = None) -> list[Path]:
    """Existing files that reading this mesh touches, sorted, each once.

    The files of a CARP mesh including its labelled surfaces, the arrays of an XDMF file, the
    given surface and fibre files.  What does not exist is left out: the reader says so later.
    """
    files = {mesh}
    base = carp_base(mesh)
    if base is not None:
        files.update(with_ending(base, suffix) for suffix in CARP_SUFFIXES)
        if surfaces is None:
            files.update(f for f, _ in surfaces_beside(base) if f.suffix == ".surf")
    if mesh.suffix.lower() in _XDMF_SUFFIXES:
        files.update(_xdmf_arrays(mesh))
    if surfaces is not None:
        files.update(surface_files(surfaces))
    if fibres is not None:
        files.add(fibres)
    return sorted(file for file in files if file.is_file())


def point_file(mesh: Path, ending: str) -> Path:
    """File of points beside a mesh: ``heart.pacing.vtx`` for ``heart.vtu`` and ``.pacing.vtx``."""
    return with_ending(carp_base(mesh) or mesh.with_suffix(""), ending)


def _xdmf_arrays(mesh: Path) -> list[Path]:
    if not mesh.is_file():
        return []
    with mesh.open(encoding="utf-8", errors="replace") as file:
        head = file.read(_XDMF_HEAD)
    return [mesh.parent / name for name in sorted(set(_XDMF_REFERENCE.findall(head)))]
