"""CARP text meshes: what comes back, and what is refused with a file and a line."""

import re
import shutil

import numpy as np
import pytest
from box_heart import box_heart, write_carp

from polycardia.errors import BadMesh
from polycardia.io.meshes import read_source

HEART = box_heart()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("carp")
    write_carp(HEART, folder / "h.1", fibres=True)
    return folder


@pytest.fixture
def base(original, tmp_path):
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    return tmp_path / "h.1"


def beside(base, ending):
    return base.with_name(base.name + ending)


@pytest.mark.parametrize("given", ["", ".pts", ".elem", ".lon", ".epi.surf"])
def test_any_file_of_a_mesh_stands_for_it(base, given):
    source = read_source(beside(base, given))
    np.testing.assert_allclose(source.points / 1000.0, HEART.points, atol=1e-9)
    np.testing.assert_array_equal(source.tetrahedra, HEART.tetrahedra)
    np.testing.assert_array_equal(source.region, HEART.region)
    np.testing.assert_allclose(source.fibre, HEART.fibre, atol=1e-8)
    assert source.customary_unit == "um"
    assert source.declared_unit is None
    found = {tuple(t): s for t, s in zip(source.surface.triangles, source.surface.label)}  # noqa: B905
    assert found == {tuple(t): s for t, s in zip(HEART.triangles, HEART.label)}  # noqa: B905
    assert {file.name for file in source.files} == {p.name for p in base.parent.iterdir()}


def test_six_columns_of_fibres_and_no_header(base):
    lon = beside(base, ".lon")
    rows = lon.read_text().splitlines()[1:]
    lon.write_text("\n".join(f"{row} 0 0 1" for row in rows))
    np.testing.assert_allclose(read_source(base).fibre, HEART.fibre, atol=1e-8)


def test_underscored_names_and_aliases_of_surfaces(base):
    beside(base, ".lv_endo.surf").rename(beside(base, "_LVendo.surf"))
    beside(base, ".epi.surf").rename(beside(base, ".epicardium.surf"))
    np.testing.assert_array_equal(
        np.bincount(read_source(base).surface.label), np.bincount(HEART.label)
    )


def test_surfaces_of_a_neighbour_with_a_longer_name_are_not_taken(base):
    shutil.copy(beside(base, ".epi.surf"), beside(base, "_2.epi.surf"))
    assert len(read_source(base).surface.label) == len(HEART.label)


def test_other_elements_are_counted_and_keep_fibres_in_step(base):
    elem, lon = beside(base, ".elem"), beside(base, ".lon")
    n, *rows = elem.read_text().splitlines()
    elem.write_text("\n".join([str(int(n) + 2), "Tr 0 1 2 9", rows[0], "Ln 0 1 9", *rows[1:]]))
    head, *rows = lon.read_text().splitlines()
    lon.write_text("\n".join([head, "1 0 0", rows[0], "1 0 0", *rows[1:]]))
    source = read_source(base)
    assert source.other_cells == {"triangle": 1, "line": 1}
    np.testing.assert_array_equal(source.tetrahedra, HEART.tetrahedra)
    np.testing.assert_allclose(source.fibre, HEART.fibre, atol=1e-8)


def cut(path, lines):
    text = path.read_text().splitlines()[:lines]
    path.write_text("\n".join(text))


def replace_line(path, number, line):
    text = path.read_text().splitlines()
    text[number - 1] = line
    path.write_text("\n".join(text) + "\n")


N_POINTS, N_CELLS = len(HEART.points), len(HEART.tetrahedra)
DAMAGE = {
    "empty points": (".pts", lambda p: p.write_text(""), r"h\.1\.pts is empty \(0 bytes\)"),
    "blank points": (".pts", lambda p: p.write_text("\n\n"), r"h\.1\.pts holds no lines"),
    "no elements": (".elem", lambda p: p.unlink(), r"h\.1\.elem cannot be read: No such file"),
    "truncated points": (
        ".pts", lambda p: cut(p, 101),
        rf"h\.1\.pts: line 1 promises {N_POINTS} nodes, found 100; the file is truncated",
    ),
    "truncated elements": (
        ".elem", lambda p: cut(p, 501),
        rf"h\.1\.elem: line 1 promises {N_CELLS} elements, found 500; the file is truncated",
    ),
    "too many": (".elem", lambda p: replace_line(p, 1, "7"), "promises 7 elements, found"),
    "no count": (".pts", lambda p: replace_line(p, 1, "x"), r"line 1: found 'x', expected the num"),
    "cut within a line": (
        ".elem", lambda p: p.write_text(p.read_text()[:-9]),
        rf"h\.1\.elem, line {N_CELLS + 1}: found \d words",
    ),
    "a word": (
        ".pts", lambda p: replace_line(p, 42, "1.0 zwei 3.0"),
        r"h\.1\.pts, line 42: found '1.0 zwei 3.0', expected 3 numbers",
    ),
    "a fraction": (
        ".elem", lambda p: replace_line(p, 9, "Tt 1 2.5 3 4 1"),
        r"h\.1\.elem, line 9: found '1 2.5 3 4 1', expected whole numbers",
    ),
    "a strange element": (
        ".elem", lambda p: replace_line(p, 9, "Zz 1 2 3 4 1"),
        r"h\.1\.elem, line 9: found 'Zz 1 2 3 4 1', expected an element code",
    ),
    "binary": (
        ".pts", lambda p: p.write_bytes(b"12\n\x00\x01\x02"), r"not a text file: byte 3 is 0x00"
    ),
    "fibres short": (
        ".lon", lambda p: cut(p, 100),
        rf"h\.1\.lon: found 99 fibre directions, expected {N_CELLS}",
    ),
    "three axes": (".lon", lambda p: replace_line(p, 1, "3"), "line 1: found '3', expected 1 or 2"),
    "surface short": (
        ".epi.surf", lambda p: cut(p, 10), r"epi\.surf: line 1 promises \d+ triangles, found 9"
    ),
    "quadrangles": (
        ".epi.surf", lambda p: p.write_text("1\nQd 1 2 3 4\n"), "found elements Qd, expected Tr"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named(base, name):
    ending, damage, sentence = DAMAGE[name]
    damage(beside(base, ending))
    with pytest.raises(BadMesh, match=sentence):
        read_source(base)


@pytest.mark.parametrize("ending", [".pts", ".elem", ".lon", ".base.surf"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.7, 0.99])
def test_a_file_cut_anywhere_is_refused(base, ending, share):
    path = beside(base, ending)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(BadMesh, match=re.escape(path.name)):
        read_source(base)
