"""The voltage over time keeps the promises of docs/archive-format.md, read by VTK alone."""

import os
import stat
import subprocess
import sys
import textwrap
from contextlib import closing

import h5py
import numpy as np
import pytest
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonExecutionModel import vtkStreamingDemandDrivenPipeline
from vtkmodules.vtkIOHDF import vtkHDFReader

from polycardia.errors import BadArchive
from polycardia.io.voltage_file import FINEST, Taken, VoltageWriter, discard_voltage, voltage_path
from polycardia.physics.slab import slab_mesh

MESH = slab_mesh(2.0)
N = len(MESH.points)
START, INTERVAL, COUNT = 10.0, 2.5, 9


def voltage_at(number):
    return np.random.default_rng(number).uniform(-95.0, 45.0, N)


def taken(writer, first, last):
    for number in range(first, last):
        writer.take(number, START + INTERVAL * number, voltage_at(number))
    return writer


def finished(writer):
    return writer.finish(MESH, START, INTERVAL, {"version": "1"})


@pytest.fixture
def heart(tmp_path):
    return tmp_path / "hearts" / "p.vtkhdf"


def test_vtk_finds_the_times_and_reads_the_voltage_at_one(heart):
    times = finished(taken(VoltageWriter(heart, N), 0, COUNT))
    np.testing.assert_array_equal(times, START + INTERVAL * np.arange(COUNT))
    reader = vtkHDFReader()
    reader.SetFileName(str(voltage_path(heart)))
    reader.UpdateInformation()
    information = reader.GetOutputInformation(0)
    key = vtkStreamingDemandDrivenPipeline.TIME_STEPS()
    assert [information.Get(key, k) for k in range(information.Length(key))] == list(times)
    for number in (6, 0, COUNT - 1):
        reader.UpdateTimeStep(times[number])
        grid = reader.GetOutput()
        voltage = vtk_to_numpy(grid.GetPointData().GetArray("voltage"))
        # Single precision, and rounding to `FINEST`.
        np.testing.assert_allclose(voltage, voltage_at(number), atol=0.51 * FINEST)
        np.testing.assert_allclose(vtk_to_numpy(grid.GetPoints().GetData()), MESH.points, rtol=1e-6)
        assert grid.GetNumberOfCells() == len(MESH.tetrahedra)


def test_the_finished_file_is_private_and_nothing_else_is_left(heart):
    finished(taken(VoltageWriter(heart, N), 0, 2))
    assert [file.name for file in heart.parent.iterdir()] == ["p.voltage.vtkhdf"]
    assert stat.S_IMODE(voltage_path(heart).stat().st_mode) == 0o640
    with h5py.File(voltage_path(heart)) as file:
        assert file["VTKHDF/PointData/voltage"].chunks == (N,)
        assert file["VTKHDF/PointData/voltage"].attrs["unit"] == "mV"
        assert file["provenance"].attrs["version"] == "1"


@pytest.mark.parametrize("kept", [0, 1, 4, 6])
def test_a_restart_drops_what_came_after_its_checkpoint_and_goes_on(heart, kept):
    whole = heart.with_name("whole.vtkhdf")
    finished(taken(VoltageWriter(whole, N), 0, COUNT))
    interrupted = taken(VoltageWriter(heart, N), 0, kept)
    counted_on = interrupted.taken
    taken(interrupted, kept, 6).sync()
    interrupted.close()
    part = next(heart.parent.glob(".p.voltage*"))
    assert stat.S_IMODE(part.stat().st_mode) == 0o640
    with part.open("ab") as torn:
        torn.write(b"half a snapsh")
    finished(taken(VoltageWriter(heart, N, counted_on), kept, COUNT))
    one, other = (h5py.File(voltage_path(file)) for file in (heart, whole))
    with one, other:
        for name in ("PointData/voltage", "Steps/Values", "Steps/PointDataOffsets/voltage"):
            np.testing.assert_array_equal(one[f"VTKHDF/{name}"][()], other[f"VTKHDF/{name}"][()])


def test_a_checkpoint_that_counts_on_more_than_there_is(heart):
    taken(VoltageWriter(heart, N), 0, 2).close()
    with pytest.raises(BadArchive, match="holds 2 snapshots, the checkpoint needs 3"):
        VoltageWriter(heart, N, Taken(3, ""))


def test_snapshots_that_are_not_the_checkpoints_are_refused_and_kept(heart):
    interrupted = taken(VoltageWriter(heart, N), 0, 4)
    counted_on = interrupted.taken
    interrupted.close()
    part = next(heart.parent.glob(".p.voltage*"))
    changed = bytearray(part.read_bytes())
    changed[N] ^= 1
    part.write_bytes(changed)
    with pytest.raises(BadArchive, match="its first 4 snapshots are others than those"):
        VoltageWriter(heart, N, counted_on)
    assert part.read_bytes() == changed


def test_a_snapshot_out_of_order_or_of_another_heart_is_refused(heart):
    with closing(taken(VoltageWriter(heart, N), 0, 2)) as writer:
        for number, voltage in ((1, voltage_at(1)), (3, voltage_at(3)), (2, np.zeros(N - 1))):
            with pytest.raises(ValueError, match=rf"expected number 2 of \({N},\)"):
                writer.take(number, 0.0, voltage)


def test_a_killed_run_leaves_no_file_that_anyone_opens(heart):
    """Killed in the middle of its snapshots, and again while it makes the file of them."""
    program = f"""
        import os, signal, sys
        import numpy as np
        from pathlib import Path
        from polycardia.io import voltage_file
        from polycardia.physics.slab import slab_mesh
        mesh = slab_mesh(2.0)
        writer = voltage_file.VoltageWriter(Path({str(heart)!r}), len(mesh.points))
        for number in range(4):
            writer.take(number, number, np.zeros(len(mesh.points)))
        kill = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        if sys.argv[1] == "taking":
            kill()
        voltage_file._write_steps = kill
        writer.finish(mesh, 0.0, 1.0, {{}})
    """
    for moment in ("taking", "finishing"):
        ended = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), moment],
            timeout=60,
            check=False,
            env=os.environ,
        )
        assert ended.returncode == -9
        left = [file.name for file in heart.parent.iterdir()]
        assert left
        assert all(name.startswith(".") and name.endswith(".part") for name in left)
    finished(taken(VoltageWriter(heart, N), 0, 2))
    assert [file.name for file in heart.parent.iterdir()] == ["p.voltage.vtkhdf"]


def test_without_snapshots_there_is_no_file_that_vtk_would_refuse(heart):
    finished(taken(VoltageWriter(heart, N), 0, 2))
    assert finished(VoltageWriter(heart, N)) is None
    assert list(heart.parent.iterdir()) == []


def test_an_earlier_runs_snapshots_are_removed(heart):
    finished(taken(VoltageWriter(heart, N), 0, 2))
    taken(VoltageWriter(heart, N), 0, 1).close()
    heart.touch()
    discard_voltage(heart)
    assert [file.name for file in heart.parent.iterdir()] == ["p.vtkhdf"]
