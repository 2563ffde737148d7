"""One heart's source files, of whatever format, as one `SourceMesh`."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polycardia.companions import (
    SURFACE_SUFFIXES,
    carp_base,
    companions,
    label_at_end,
    labelled_surfaces,
    surface_named,
)
from polycardia.config.variation import HIGHEST_TAG, LOWEST_TAG
from polycardia.errors import BadMesh
from polycardia.io.carp import read_carp, read_lon, read_surfs
from polycardia.io.foreign import Arrays, ForeignMesh, read_foreign
from polycardia.physics.mesh import Floats, Integers, Surface
from polycardia.physics.source import SourceMesh, SourceSurface

# Names of arrays, without case and punctuation, most telling first.
FIBRE_NAMES = ("fibre", "fiber", "fibres", "fibers", "f0", "fibredirection", "fiberdirection",
               "fibreorientation", "fiberorientation", "fibrevector", "fibervector")  # fmt: skip
_PLAIN_LABEL_NAMES = ("surface", "surfaces", "surfacelabel", "label", "labels", "boundary",
                      "boundarylabel", "facelabel")  # fmt: skip
LABEL_NAMES = (*_PLAIN_LABEL_NAMES, "class", "region", "tag", "gmshphysical", "celltags",
               "cellentityids")  # fmt: skip
REGION_NAMES = ("region", "regions", "elemtag", "elementtag", "tag", "tags", "material",
                "materialid", "gmshphysical", "physical", "cellentityids", "mesgref",
                "meditref", "celltags", "attribute", "label", "labels")  # fmt: skip
_UNITS = {"m": "m", "metre": "m", "meter": "m", "cm": "cm", "centimetre": "cm",
          "centimeter": "cm", "mm": "mm", "millimetre": "mm", "millimeter": "mm",
          "um": "um", "micrometre": "um", "micrometer": "um", "micron": "um"}  # fmt: skip


def read_source(
    mesh: Path, *, surfaces: Path | None = None, fibres: Path | None = None
) -> SourceMesh:
    """Read a mesh with what belongs to it; nothing is checked beyond what reading needs.

    Args:
        mesh: CARP text (any of its files or their common base), VTK legacy or XML, VTKHDF, gmsh,
            XDMF, or any other file that meshio reads.
        surfaces: labels of the boundary instead of those beside or inside the mesh: a file with
            a cell array of values 1 to 4 (LV endocardium, RV endocardium, epicardium, base), or
            a folder or common beginning of files named after their label.
        fibres: a ``.lon`` file, or a mesh file of as many tetrahedra with a fibre array.

    Raises:
        BadMesh: a file is missing, empty, truncated, damaged or of no known format.
    """
    base = carp_base(mesh)
    if base is not None:
        source = read_carp(base, fibres if fibres is not None and fibres.suffix == ".lon" else None)
    else:
        source = _from_foreign(mesh, read_foreign(mesh))
    if fibres is not None and (base is None or fibres.suffix != ".lon"):
        source = _with_fibres(source, fibres)
    if surfaces is not None:
        source = replace(source, surface=_read_surfaces(surfaces))
    return replace(source, files=tuple(companions(base or mesh, surfaces, fibres)) or source.files)


def _from_foreign(file: Path, found: ForeignMesh) -> SourceMesh:
    notes = []
    quadratic = sum(found.kinds.get(f"{kind} tetrahedron", 0) for kind in ("quadratic", "Lagrange"))
    if quadratic:
        notes.append(f"{quadratic} quadratic tetrahedra became linear: mid-edge nodes dropped")
    fibre, on_nodes = _fibre(found)
    other = {
        kind: count
        for kind, count in found.kinds.items()
        if not kind.endswith("tetrahedron") and count
    }
    region, said = _region(file, found)
    return SourceMesh(
        name=file.name,
        points=found.points,
        tetrahedra=found.tetrahedra,
        region=region,
        fibre=fibre,
        fibre_on_nodes=on_nodes,
        surface=_labels_inside(file, found),
        other_cells=other,
        declared_unit=_unit(file, found.unit),
        files=(file,),
        notes=(*notes, *said),
    )


def _named(arrays: Arrays, names: Sequence[str]) -> list[NDArray[Any]]:
    """Arrays whose plain names are among ``names``, in the order of ``names``."""
    plain = {re.sub(r"[^a-z0-9]", "", name.lower()): array for name, array in arrays.items()}
    return [plain[name] for name in names if name in plain]


def _fibre(found: ForeignMesh) -> tuple[Floats | None, bool]:
    for arrays, on_nodes in ((found.tetrahedron_arrays, False), (found.point_arrays, True)):
        for array in _named(arrays, FIBRE_NAMES):
            if array.ndim == 2 and array.shape[1] in (3, 6, 9):
                return np.asarray(array[:, :3], dtype=np.float64), on_nodes
    return None, False


def _whole(array: NDArray[Any]) -> bool:
    return array.ndim == 1 and bool(np.all(np.isfinite(array)) and np.all(array == np.rint(array)))


def _region(file: Path, found: ForeignMesh) -> tuple[Integers, tuple[str, ...]]:
    candidates = _named(found.tetrahedron_arrays, REGION_NAMES)
    flat = [array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
            for array in candidates]  # fmt: skip
    for array in flat:
        if _whole(array):
            _require_tags(file, array)
            return array.astype(np.int64), ()
    said = ("region tags that are not whole numbers were left out",) if flat else ()
    return np.zeros(len(found.tetrahedra), dtype=np.int64), said


def _require_tags(file: Path, tags: NDArray[Any]) -> None:
    """Raise `BadMesh` for a tag that the 32 bits of a prepared heart would turn into another."""
    for tag in (tags.min(initial=0), tags.max(initial=0)):
        if not LOWEST_TAG <= tag <= HIGHEST_TAG:
            raise BadMesh(
                f"{file.name}: found the region tag {tag}, expected {LOWEST_TAG} to {HIGHEST_TAG}"
            )


def _labels_inside(file: Path, found: ForeignMesh) -> SourceSurface | None:
    """Labels of the triangles among a mesh file's cells, by names first, then by numbers."""
    label = np.zeros(len(found.triangles), dtype=np.int64)
    for name, members in found.sets.items():
        surface = surface_named(name)
        if surface is not None:
            label[members] = int(Surface[surface])
    physical = _named(found.triangle_arrays, ("gmshphysical",))
    for name, (tag, *dimension) in found.groups.items():
        surface = surface_named(name)
        if surface is not None and physical and dimension in ([], [2]):
            label[physical[0].ravel() == tag] = int(Surface[surface])
    if not label.any():
        label = _numbered_labels(found)
    if not label.any():
        return None
    return SourceSurface(found.triangles, label, None, file.name)


def _numbered_labels(found: ForeignMesh) -> Integers:
    """The first telling cell array in which the labels occur, else zeros.

    An array that is named after its purpose may leave the base out; a tag that happens to take
    the values 1 to 3 may mean anything.
    """
    wanted = {int(surface) for surface in Surface}
    for name in LABEL_NAMES:
        needed = wanted - {int(Surface.BASE)} if name in _PLAIN_LABEL_NAMES else wanted
        for array in _named(found.triangle_arrays, [name]):
            values = array.ravel() if array.size == len(found.triangles) else array
            if _whole(values) and needed <= set(np.unique(values).tolist()):
                return values.astype(np.int64)
    return np.zeros(len(found.triangles), dtype=np.int64)


def _unit(file: Path, said: str | None) -> str | None:
    if said is None:
        return None
    plain = said.strip().strip("[]").replace("\N{MICRO SIGN}", "u").lower().removesuffix("s")
    if plain not in _UNITS:
        raise BadMesh(f"{file.name} declares the unit '{said}', expected m, cm, mm or um")
    return _UNITS[plain]


def _with_fibres(source: SourceMesh, fibres: Path) -> SourceMesh:
    if fibres.suffix == ".lon":
        fibre = read_lon(fibres, len(source.tetrahedra))
        return replace(source, fibre=fibre, fibre_on_nodes=False)
    fibre_or_none, on_nodes = _fibre(read_foreign(fibres))
    if fibre_or_none is None:
        raise BadMesh(
            f"{fibres.name} holds no fibres: expected a .lon file, or a cell or point array of "
            f"three components named one of {', '.join(FIBRE_NAMES)}"
        )
    return replace(source, fibre=fibre_or_none, fibre_on_nodes=on_nodes)


def _read_surfaces(surfaces: Path) -> SourceSurface:
    """Labels from one labelled file, or from several that are named after their label."""
    if surfaces.is_file():
        if surfaces.suffix == ".surf":
            return read_surfs([(surfaces, label_at_end(surfaces.stem))])
        return _labelled_file(surfaces)
    named = labelled_surfaces(surfaces)
    if not named:
        raise BadMesh(
            f"no surfaces at {surfaces.name}: expected a labelled surface file, or a folder or "
            f"common beginning of files such as {surfaces.name}.lv_endo.surf"
        )
    carp = [(file, label) for file, label in named if file.suffix == ".surf"]
    return read_surfs(carp) if carp else _one_file_a_label(named)


def _labelled_file(file: Path) -> SourceSurface:
    if file.suffix.lower() not in (*SURFACE_SUFFIXES, ".vtkhdf", ".msh", ".xdmf"):
        raise BadMesh(f"{file.name}: expected surfaces as {', '.join(SURFACE_SUFFIXES)}")
    found = read_foreign(file)
    inside = _labels_inside(file, found)
    if inside is None:
        raise BadMesh(
            f"{file.name}: found {len(found.triangles)} triangles and the cell arrays "
            f"{', '.join(found.triangle_arrays) or 'none'}, expected an array 'surface' with the "
            "values 1 LV endocardium, 2 RV endocardium, 3 epicardium, 4 base"
        )
    return replace(inside, points=found.points)


def _one_file_a_label(named: Sequence[tuple[Path, str]]) -> SourceSurface:
    points, triangles, labels, first = [], [], [], 0
    for file, surface in named:
        found = read_foreign(file)
        points.append(found.points)
        triangles.append(found.triangles + first)
        labels.append(np.full(len(found.triangles), int(Surface[surface])))
        first += len(found.points)
    origin = ", ".join(file.name for file, _ in named)
    return SourceSurface(
        np.concatenate(triangles), np.concatenate(labels), np.concatenate(points), origin
    )
