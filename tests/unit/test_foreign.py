"""A reader that gives no answer: is it the file or the machine?"""

import os
import resource
import tempfile

import meshio
import numpy as np
import pytest

from polycardia.errors import BadMesh, MachineTrouble
from polycardia.io import foreign, foreign_meshio, foreign_reader
from polycardia.io.columns import read_lines
from polycardia.io.foreign import read_foreign

POINTS = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])


@pytest.fixture
def mesh(tmp_path):
    meshio.write(tmp_path / "h.vtu", meshio.Mesh(POINTS, [("tetra", [[0, 1, 2, 3]])]))
    return tmp_path / "h.vtu"


def pretend(monkeypatch, tmp_path, script):
    """Let a shell script be the child; BEGUN is the sign that it has begun to read."""
    child = tmp_path / "child"
    child.write_text(f'#!/bin/sh\nBEGUN="$(dirname "$5")/{foreign._BEGUN}"\n{script}\n')
    child.chmod(0o755)
    monkeypatch.setattr(foreign.sys, "executable", str(child))


@pytest.mark.parametrize(
    ("script", "error", "sentence"),
    [
        ("echo no points; exit 3", BadMesh, "cannot be read: no points"),
        ("echo 'no header' >&2; exit 3", BadMesh, "cannot be read: no header"),
        ('touch "$BEGUN"; kill -SEGV $$', BadMesh, "died of signal 11"),
        ('touch "$BEGUN"; kill -ABRT $$', BadMesh, "died of signal 6"),
        ('touch "$BEGUN"; kill -BUS $$', BadMesh, "died of signal 7"),
        ('touch "$BEGUN"; kill -FPE $$', BadMesh, "died of signal 8"),
        ("kill -SEGV $$", MachineTrouble, "was ended by signal 11"),
        ('touch "$BEGUN"; kill -KILL $$', MachineTrouble, "was ended by signal 9"),
        ('touch "$BEGUN"; kill -TERM $$', MachineTrouble, "was ended by signal 15"),
        ("echo 'ImportError: libGL.so.1' >&2; exit 1", MachineTrouble, "1 and said: ImportError"),
        ("exit 0", MachineTrouble, "ended with status 0 and said: nothing"),
        ("exec sleep 20", MachineTrouble, "could not be read within 1 s"),
    ],
)
def test_only_refusals_and_crashes_while_reading_are_the_files_fault(
    mesh, monkeypatch, tmp_path, script, error, sentence
):
    monkeypatch.setattr(foreign, "TIME_LIMIT", 1)
    pretend(monkeypatch, tmp_path, script)
    with pytest.raises(error, match=rf"^h\.vtu .*{sentence}"):
        read_foreign(mesh)


@pytest.mark.parametrize("breaking", ["raise ImportError('libGL.so.1')", "import os; os.abort()"])
@pytest.mark.parametrize(("library", "suffix"), [("vtkmodules", ".vtu"), ("meshio", ".mesh")])
def test_a_library_that_does_not_load_is_the_machines_fault(
    mesh, monkeypatch, tmp_path, breaking, library, suffix
):
    (tmp_path / "site" / library).mkdir(parents=True)
    (tmp_path / "site" / library / "__init__.py").write_text(breaking)
    path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    file = mesh.with_suffix(suffix)
    meshio.write(file, meshio.read(mesh))
    with pytest.raises(MachineTrouble, match=r"libGL\.so\.1|ended by signal 6"):
        read_foreign(file)


def test_no_room_for_the_answer_is_the_machines_fault(mesh, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(MachineTrouble, match=r"h\.vtu could not be read here: .*No such file"):
        read_foreign(mesh)


@pytest.mark.parametrize("cause", [MemoryError(), ImportError("netCDF4"), OSError(5, "I/O error")])
def test_what_a_sound_file_can_meet_is_not_called_unreadable(monkeypatch, mesh, cause):
    def trouble(_):
        raise cause

    monkeypatch.setattr(foreign_meshio, "read", trouble)
    with pytest.raises(type(cause)):
        foreign_reader.read("meshio", mesh)


@pytest.mark.parametrize("cause", [ValueError("bad\nline"), SystemExit(1), OSError("no HDF5")])
def test_what_a_library_raises_of_its_own_is_a_refusal(monkeypatch, mesh, cause):
    def trouble(_):
        raise cause

    monkeypatch.setattr(foreign_meshio, "read", trouble)
    with pytest.raises(foreign_reader.Unreadable) as refused:
        foreign_reader.read("meshio", mesh)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("site_limit", "error", "sentence"),
    [
        (resource.RLIM_INFINITY, BadMesh, "wants more than .* so the file is damaged"),
        (4 << 30, MachineTrouble, "needs more than the 4.29e"),
    ],
)
def test_memory_is_the_files_fault_only_above_the_limit_of_our_own(
    mesh, monkeypatch, site_limit, error, sentence
):
    """A count of 10^11 points in a file of a few lines."""
    monkeypatch.setattr(foreign.resource, "getrlimit", lambda _: (site_limit, site_limit))
    text = "# vtk DataFile Version 3.0\nbomb\nBINARY\nDATASET UNSTRUCTURED_GRID\n"
    bomb = mesh.with_suffix(".vtk")
    bomb.write_text(text + "POINTS 99999999999 double\n")
    with pytest.raises(error, match=sentence):
        read_foreign(bomb)


@pytest.mark.parametrize("read", [read_foreign, read_lines])
def test_a_file_that_the_machine_keeps_back(mesh, read):
    with pytest.raises(BadMesh, match="cannot be read: No such file"):
        read(mesh.with_name("none.vtu"))
    mesh.with_name("loop.vtu").symlink_to("loop.vtu")
    with pytest.raises(MachineTrouble, match="could not be read: Too many levels"):
        read(mesh.with_name("loop.vtu"))


def test_parent_and_child_agree_on_their_signs():
    assert foreign._REFUSED == foreign_reader.REFUSED
    assert foreign._OUT_OF_MEMORY == foreign_reader.OUT_OF_MEMORY
    assert foreign._BEGUN == foreign_reader.BEGUN
