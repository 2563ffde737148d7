"""Mesh files that were made to make their readers fail, or to read something else."""

import base64
import re
import resource
import struct
import time
import zlib

import h5py
import numpy as np
import pytest

from polycardia.errors import BadMesh
from polycardia.io import foreign
from polycardia.io.meshes import read_source

LONGEST = 400  # [characters] of a sentence
SECONDS = 20.0  # of reading one
MEMORY = 2 << 30  # [bytes] that a reader may have

POINTS = [[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
COORDINATES = "0 0 0 1 0 0 0 1 0 0 0 1"
HUGE = 1 << 40


def vtu(points=COORDINATES, nodes="0 1 2 3", *, ends="4", n=4, cells=1, head="", attributes=""):
    """An XML file of one tetrahedron."""
    attributes = attributes or 'format="ascii"'
    return f"""<?xml version="1.0"?>{head}
<VTKFile type="UnstructuredGrid" version="1.0" byte_order="LittleEndian" header_type="UInt64"
 compressor="vtkZLibDataCompressor"><UnstructuredGrid>
<Piece NumberOfPoints="{n}" NumberOfCells="{cells}"><Points>
<DataArray type="Float64" NumberOfComponents="3" {attributes}>{points}</DataArray></Points><Cells>
<DataArray type="Int64" Name="connectivity" format="ascii">{nodes}</DataArray>
<DataArray type="Int64" Name="offsets" format="ascii">{ends}</DataArray>
<DataArray type="UInt8" Name="types" format="ascii">10</DataArray>
</Cells></Piece></UnstructuredGrid></VTKFile>"""


def blocks(count, size, stored, data):
    """Coordinates in a block of compressed bytes whose header says so."""
    head = base64.b64encode(struct.pack("<4Q", count, size, 0, stored)).decode()
    return vtu(head + base64.b64encode(data).decode(), attributes='format="binary"')


def legacy(count, kind="ASCII", cells=""):
    text = f"# vtk DataFile Version 3.0\nx\n{kind}\nDATASET UNSTRUCTURED_GRID\n"
    return f"{text}POINTS {count} double\n{COORDINATES}\n{cells}"


def ply(vertices, faces):
    return (
        f"ply\nformat ascii 1.0\nelement vertex {vertices}\nproperty float x\nproperty float y\n"
        f"property float z\nelement face {faces}\nproperty list uchar int vertex_indices\n"
        f"end_header\n{COORDINATES}\n3 0 1 2\n"
    )


def gmsh(nodes):
    return (
        f"$MeshFormat\n2.2 0 8\n$EndMeshFormat\n$Nodes\n{nodes}\n1 0 0 0\n$EndNodes\n$Elements\n1\n"
        "1 4 2 1 1 1 2 3 4\n$EndElements\n"
    )


def gmsh41(nodes):
    return (
        f"$MeshFormat\n4.1 0 8\n$EndMeshFormat\n$Nodes\n1 {nodes} 1 {nodes}\n3 1 0 {nodes}\n1\n"
        "0 0 0\n$EndNodes\n$Elements\n1 1 1 1\n3 1 4 1\n1 1 2 3 4\n$EndElements\n"
    )


def xdmf(points, head=""):
    nodes = '<DataItem DataType="Int" Dimensions="1 4" Format="XML">0 1 2 3</DataItem>'
    return (
        f'<?xml version="1.0"?>{head}<Xdmf Version="3.0"><Domain><Grid><Geometry '
        f'GeometryType="XYZ">{points}</Geometry><Topology TopologyType="Tetrahedron" '
        f'NumberOfElements="1">{nodes}</Topology></Grid></Domain></Xdmf>'
    )


def item(kind, text, shape="4 3"):
    return (
        f'<DataItem DataType="Float" Dimensions="{shape}" Format="{kind}" Precision="8">{text}'
        "</DataItem>"
    )


LAUGHS = "".join(
    f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)
LAUGHS = f'<!DOCTYPE l [<!ENTITY a "{"1 " * 50}">{LAUGHS}]>'
OUTSIDE = '<!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
ZEROS = zlib.compress(b"\0" * (1 << 24), 9)

FILES = {
    "points.vtu": vtu(n=HUGE),
    "fewer_than_none.vtu": vtu(n=-4),
    "cells.vtu": vtu(cells=HUGE),
    "beyond.vtu": vtu(nodes="0 1 2 9"),
    "before.vtu": vtu(nodes="0 1 2 -1"),
    "far_beyond.vtu": vtu(nodes=f"0 1 2 {1 << 62}"),
    "too_few.vtu": vtu(nodes="0 1"),
    "end_far.vtu": vtu(ends=str(HUGE)),
    "end_before.vtu": vtu(ends="-4"),
    "laughs.vtu": vtu("&j;", head=LAUGHS),
    "entity.vtu": vtu("&a;", head=OUTSIDE),
    "appended_far.vtu": vtu("", attributes=f'format="appended" offset="{HUGE}"').replace(
        "</VTKFile>", '<AppendedData encoding="raw">_abc</AppendedData></VTKFile>'
    ),
    "blocks.vtu": blocks(1 << 50, 96, 10, b"x"),
    "block_size.vtu": blocks(1, 1 << 50, len(ZEROS), ZEROS),
    "block_bomb.vtu": blocks(1, 96, len(ZEROS), ZEROS),
    "deep.vtu": "<VTKFile>" + "<a>" * 200_000 + "</a>" * 200_000 + "</VTKFile>",
    "points.vtk": legacy(HUGE),
    "fewer_than_none.vtk": legacy(-4),
    "binary.vtk": legacy(HUGE, "BINARY"),
    "cells.vtk": legacy(4, cells=f"CELLS {HUGE} {5 * HUGE}\n4 0 1 2 3\nCELL_TYPES {HUGE}\n10\n"),
    "vertices.ply": ply(HUGE, 1),
    "faces.ply": ply(4, HUGE),
    "triangles.stl": b"x" * 80 + struct.pack("<I", 0xFFFFFFFF) + b"\0" * 50,
    "nodes.msh": gmsh(HUGE),
    "fewer_than_none.msh": gmsh(-4),
    "nodes41.msh": gmsh41(HUGE),
    "laughs.xdmf": xdmf(item("XML", "&j;"), LAUGHS),
    "entity.xdmf": xdmf(item("XML", "&a;"), OUTSIDE),
    "shape.xdmf": xdmf(item("XML", COORDINATES, f"{HUGE} 3")),
    "deep.xdmf": "<Xdmf>" + "<a>" * 200_000 + "</a>" * 200_000 + "</Xdmf>",
    "vertices.off": f"OFF\n{HUGE} 1 0\n0 0 0\n3 0 1 2\n",
    "vertices.mesh": f"MeshVersionFormatted 2\nDimension 3\nVertices\n{HUGE}\n0 0 0 1\nEnd\n",
    "elements.inp": f"*NODE\n1,0,0,0\n*ELEMENT,TYPE=C3D4\n1,{HUGE},2,3,4\n",
}


@pytest.fixture(autouse=True)
def limited(monkeypatch):
    monkeypatch.setattr(foreign, "MEMORY_LIMIT", MEMORY)


def refused(path):
    """Return the sentence that a mesh is refused with, soon and without much memory."""
    began = time.monotonic()
    with pytest.raises(BadMesh) as raised:
        read_source(path)
    assert time.monotonic() - began < SECONDS
    sentence = str(raised.value)
    assert sentence.startswith(path.name)
    assert len(sentence) < LONGEST
    assert "\n" not in sentence
    assert "root:" not in sentence  # /etc/passwd
    return sentence


@pytest.mark.parametrize("name", FILES)
def test_a_file_made_to_hurt_is_refused_in_a_sentence(tmp_path, name):
    content = FILES[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    refused(tmp_path / name)


@pytest.mark.parametrize("name", ["h.pts", "h.vtk", "h.vtu", "h.msh"])
def test_a_file_of_holes_is_refused_before_it_is_in_memory(tmp_path, name):
    head = {"h.vtk": b"# vtk DataFile Version 3.0\nx\nASCII\nDATASET UNSTRUCTURED_GRID\n",
            "h.msh": b"$MeshFormat\n2.2 0 8\n$EndMeshFormat\n"}.get(name, b"9\n")  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for size in (3 << 30, 40 << 30):
        with (tmp_path / name).open("wb") as file:
            file.write(head)
            file.truncate(size)
            file.seek(size)
            file.write(b"</VTKFile>" if name.endswith("vtu") else b"$End\n")
        sentence = refused(tmp_path / name)
        told = "not a text file|cannot be read" if size < 4 << 30 else "bytes, expected at most"
        assert re.search(told, sentence)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 19  # [KiB]


@pytest.fixture
def secret(tmp_path):
    """Points outside the mesh's folder."""
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["points"] = POINTS
    (tmp_path / "meshes").mkdir()
    return tmp_path / "secret.h5"


@pytest.mark.parametrize("named", ["{secret}:/points", "../secret.h5:/points", "link.h5:/points"])
def test_xdmf_takes_no_arrays_from_elsewhere(secret, named):
    folder = secret.parent / "meshes"
    (folder / "link.h5").symlink_to(secret)
    (folder / "h.xdmf").write_text(xdmf(item("HDF", named.format(secret=secret))))
    assert "expected a file beside the mesh or below" in refused(folder / "h.xdmf")


def test_xdmf_takes_no_raw_bytes_from_elsewhere(secret):
    mesh = secret.parent / "meshes" / "h.xdmf"
    for named in ("/etc/passwd", "/dev/zero"):
        mesh.write_text(xdmf(item("Binary", named)))
        assert "expected a file beside the mesh or below" in refused(mesh)


def test_xdmf_may_have_its_arrays_beside_it(secret):
    """The same as above, but for where they are."""
    secret.rename(secret.parent / "meshes" / "h.h5")
    mesh = secret.parent / "meshes" / "h.xdmf"
    mesh.write_text(xdmf(item("HDF", "h.h5:/points")))
    np.testing.assert_array_equal(read_source(mesh).points, POINTS)


def vtkhdf(path, make=lambda grid: grid.create_dataset("Points", data=POINTS), n_points=4):
    with h5py.File(path, "w") as file:
        grid = file.create_group("VTKHDF")
        grid.attrs["Version"] = (2, 0)
        grid.attrs.create("Type", b"UnstructuredGrid", dtype="S16")
        for name, values in (("NumberOfPoints", [n_points]), ("NumberOfCells", [1]),
                             ("NumberOfConnectivityIds", [4]), ("Connectivity", [0, 1, 2, 3]),
                             ("Offsets", [0, 4])):  # fmt: skip
            grid[name] = np.array(values, np.int64)
        grid["Types"] = np.array([10], np.uint8)
        make(grid)
    return path


def test_vtkhdf_of_one_tetrahedron_is_read(tmp_path):
    np.testing.assert_array_equal(read_source(vtkhdf(tmp_path / "h.vtkhdf")).points, POINTS)


def virtual(grid):
    layout = h5py.VirtualLayout((4, 3), "f8")
    layout[:] = h5py.VirtualSource("../secret.h5", "points", (4, 3))
    grid.create_virtual_dataset("Points", layout)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda g: g.__setitem__("Points", h5py.ExternalLink("../secret.h5", "points")),
         "VTKHDF/Points is a link to another file"),
        (lambda g: g.create_dataset("Points", (4, 3), "f8", external=[("/etc/passwd", 0, 96)]),
         "VTKHDF/Points takes its values from another file"),
        (virtual, "VTKHDF/Points takes its values from another file"),
        (lambda g: g.create_dataset("Points", (1 << 58, 3), "f8", chunks=(64, 3)),
         "VTKHDF/Points claims 6917529027641081856 bytes of values and stores 0"),
        (lambda g: g.__setitem__("Points", h5py.SoftLink("/VTKHDF/Points")), "Points"),
        (lambda g: g.__setitem__("PointData", g), "groups that are more than 16 deep"),
    ],
)  # fmt: skip
def test_vtkhdf_takes_no_values_from_elsewhere_and_claims_none(secret, make, sentence):
    assert sentence in refused(vtkhdf(secret.parent / "meshes" / "h.vtkhdf", make))


def test_a_claim_that_memory_could_hold_is_refused_too(tmp_path):
    def make(grid):
        grid.create_dataset("Points", (1 << 28, 3), "f8", chunks=(1024, 3))

    sentence = refused(vtkhdf(tmp_path / "h.vtkhdf", make, n_points=1 << 28))
    assert "claims 6442450944 bytes of values and stores 0" in sentence
