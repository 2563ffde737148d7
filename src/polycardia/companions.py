"""Which files belong to one mesh, and what the name of a surface file says.

Standard library only: the workflow asks this for every patient while it is parsed.
"""

import re
from pathlib import Path

CARP_SUFFIXES = (".pts", ".elem", ".lon")
SURFACE_SUFFIXES = (".surf", ".vtp", ".vtk", ".vtu", ".stl", ".ply")
# XDMF keeps its arrays in files that it names like "heart.h5:/points"; only its head is searched.
_XDMF_SUFFIXES = (".xdmf", ".xmf", ".xdmf3", ".xmf3")
_XDMF_REFERENCE = re.compile(r"([^\s<>\"':]+\.(?:h5|hdf5|hdf|bin))\b")
_XDMF_HEAD = 1 << 20  # [bytes]

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
    files = (file for file in sorted(given.iterdir()) if _is_surface(file))
    return [(file, label) for file in files if (label := label_at_end(file.stem)) is not None]


def surfaces_beside(base: Path) -> list[tuple[Path, str]]:
    """Files ``<base>.<label>.surf`` or ``<base>_<label>.surf`` with the name of their `Surface`."""
    if not base.parent.is_dir():
        return []
    found = []
    for file in sorted(base.parent.iterdir()):
        rest = file.stem.removeprefix(base.name)
        label = surface_named(rest)
        if file.name.startswith(base.name) and rest[:1] in {".", "_"} and label is not None:
            found += [(file, label)] if _is_surface(file) else []
    return found


def _is_surface(file: Path) -> bool:
    return file.suffix.lower() in SURFACE_SUFFIXES and file.is_file()


def label_at_end(name: str) -> str | None:
    """Label that a name ends with, the longest: ``lv_endo`` and ``heart-a.lv_endo`` are LV_ENDO."""
    endings = [name] + [name[cut.end() :] for cut in re.finditer(r"[._-]", name)]
    labels = (surface_named(ending) for ending in endings)
    return next((label for label in labels if label is not None), None)


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
        files.update(
            [surfaces] if surfaces.is_file() else [f for f, _ in labelled_surfaces(surfaces)]
        )
    if fibres is not None:
        files.add(fibres)
    return sorted(file for file in files if file.is_file())


def _xdmf_arrays(mesh: Path) -> list[Path]:
    if not mesh.is_file():
        return []
    with mesh.open(encoding="utf-8", errors="replace") as file:
        head = file.read(_XDMF_HEAD)
    return [mesh.parent / name for name in sorted(set(_XDMF_REFERENCE.findall(head)))]
