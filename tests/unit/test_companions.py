"""Which files belong to a mesh, asked without any heavy module."""

import os
import subprocess
import sys
import time

import pytest

from polycardia.cohort import read_cohort
from polycardia.companions import companions, surface_named


@pytest.mark.parametrize(
    ("name", "surface"),
    [
        ("lv_endo", "LV_ENDO"),
        ("LV", "LV_ENDO"),
        ("rv-sept", "RV_ENDO"),
        ("Epicardium", "EPI"),
        ("mitral", "BASE"),
        ("fixed", None),
        ("2.lv_endo", None),
    ],
)
def test_names_of_surfaces(name, surface):
    assert surface_named(name) == surface


def touch(folder, *names):
    for name in names:
        (folder / name).touch()


def names_of(files):
    return [file.name for file in files]


@pytest.mark.parametrize("given", ["p", "p.pts", "p.elem", "p.epi.surf"])
def test_a_carp_mesh(tmp_path, given):
    touch(
        tmp_path,
        "p.pts",
        "p.elem",
        "p.epi.surf",
        "p_lv.surf",
        "p.other.surf",
        "plv.surf",
        "p2.pts",
        "p2.lon",
    )
    files = companions(tmp_path / given)
    assert names_of(files) == ["p.elem", "p.epi.surf", "p.pts", "p_lv.surf"]


def test_given_surfaces_and_fibres_replace_those_beside(tmp_path):
    touch(tmp_path, "p.pts", "p.elem", "p.epi.surf", "other.lon")
    (tmp_path / "p").mkdir()
    touch(tmp_path / "p", "lv_endo.stl", "x.rv_endo.stl", "notes.txt")
    files = companions(tmp_path / "p.pts", tmp_path / "p", tmp_path / "other.lon")
    expected = ["lv_endo.stl", "other.lon", "p.elem", "p.pts", "x.rv_endo.stl"]
    assert sorted(names_of(files)) == expected


def test_a_folder_of_the_same_name_is_not_a_prefix(tmp_path):
    touch(tmp_path, "p.pts", "p.elem", "p.epi.surf")
    (tmp_path / "p").mkdir()
    assert names_of(companions(tmp_path / "p")) == ["p.elem", "p.epi.surf", "p.pts"]


def test_names_beside_are_told_apart_from_longer_ones(tmp_path):
    touch(tmp_path, "p.pts", "p.x.pts", "p.epi.surf", "p.x.epi.surf", "p.x_lv.surf", "p-epi.surf")
    assert names_of(companions(tmp_path / "p")) == ["p.epi.surf", "p.pts"]
    assert names_of(companions(tmp_path / "p.x")) == ["p.x.epi.surf", "p.x.pts", "p.x_lv.surf"]


@pytest.fixture
def listings(monkeypatch):
    """Names of the folders that were listed."""
    listed = []
    listdir, scandir = os.listdir, os.scandir
    monkeypatch.setattr(os, "listdir", lambda path: (listed.append(path), listdir(path))[1])
    monkeypatch.setattr(os, "scandir", lambda path: (listed.append(path), scandir(path))[1])
    return listed


def settle(folder):
    """Make a folder look as if it had not changed for a while."""
    then = time.time() - 3600.0
    os.utime(folder, (then, then))


def test_a_folder_of_many_hearts_is_listed_once(tmp_path, listings):
    rows = ["patient\tmesh"]
    for k in range(50):
        touch(tmp_path, *(f"heart_{k}{end}" for end in (".pts", ".elem", ".epi.surf", "_lv.surf")))
        rows.append(f"p{k}\theart_{k}")
    (tmp_path / "cohort.tsv").write_text("\n".join(rows))
    settle(tmp_path)
    patients = read_cohort(tmp_path / "cohort.tsv")
    assert [len(patient.source.files()) for patient in patients.values()] == [4] * 50
    assert len(listings) == 1


def test_a_file_that_comes_later_is_seen(tmp_path, listings):
    touch(tmp_path, "p.pts", "p.elem")
    settle(tmp_path)
    assert names_of(companions(tmp_path / "p")) == ["p.elem", "p.pts"]
    touch(tmp_path, "p.epi.surf")  # within the file system's tick, for all one knows
    assert names_of(companions(tmp_path / "p")) == ["p.elem", "p.epi.surf", "p.pts"]
    changed = tmp_path.stat()
    touch(tmp_path, "p.lv.surf")
    os.utime(tmp_path, ns=(changed.st_atime_ns, changed.st_mtime_ns))
    assert "p.lv.surf" in names_of(companions(tmp_path / "p"))


def test_xdmf_names_its_arrays(tmp_path):
    touch(tmp_path, "a.h5", "b.h5", "c.h5")
    (tmp_path / "m.xdmf").write_text('<DataItem Format="HDF">a.h5:/x</DataItem>b.h5:/y z.h5:/q')
    assert names_of(companions(tmp_path / "m.xdmf")) == ["a.h5", "b.h5", "m.xdmf"]


def test_what_is_missing_is_left_out(tmp_path):
    assert companions(tmp_path / "no.vtu", tmp_path / "no", tmp_path / "no.lon") == []


def test_asking_is_light():
    code = "import sys, polycardia.companions; print('numpy' in sys.modules, 'vtk' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["False", "False"]
