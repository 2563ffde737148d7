"""What a heart has on request keeps its promises, and `verify` sees where it does not."""

import re
import shutil
from contextlib import closing
from dataclasses import replace

import h5py
import numpy as np
import pytest
import pyvista
from damage import add, attribute, drop, put, swap
from solved_hearts import RECORD, gather, result

from polycardia.io.heart_file import ProbeRecord, write_heart
from polycardia.io.heart_verification import heart_faults
from polycardia.io.origin import SOLVED, Outcome
from polycardia.io.voltage_file import VoltageWriter, voltage_path
from polycardia.study.archive import verify

TIMES = [0.0, 5.0, 10.0]
SAMPLES = np.linspace(-85.0, 40.0, 30)
POINT = "VTKHDF/PointData"


def full_result():
    """A heart with everything that can be asked for."""
    plain = result(1)
    n = len(plain.mesh.points)
    apd90 = np.full(n, 280.0)
    apd90[3] = np.nan
    probes = [
        ProbeRecord(
            name=name,
            node=node,
            place=plain.mesh.points[node],
            miss=0.25,
            cell_type=2,
            traces={
                "voltage": (SAMPLES, "mV", "cell.V"),
                "i_na": (2.0 * SAMPLES, "A/F", "i_na.i_na"),
            },
        )
        for name, node in (("septum", 7), ("apex", 4))
    ]
    return replace(
        plain,
        point_fields=plain.point_fields
        | {"apd90": apd90, "activation_count": np.ones(n, np.uint16)},
        units={**plain.units, "apd90": "ms"},
        probes=probes,
        probe_interval=0.5,
        snapshot_times=np.array(TIMES),
    )


@pytest.fixture
def heart(tmp_path):
    path, wanted = tmp_path / "results" / "hearts" / "a.vtkhdf", full_result()
    with closing(VoltageWriter(path, len(wanted.mesh.points))) as writer:
        for number, time in enumerate(TIMES):
            writer.take(number, time, np.full(len(wanted.mesh.points), -80.0 + number))
        writer.finish(wanted.mesh, TIMES[0], 5.0, RECORD)
    write_heart(path, wanted, Outcome(SOLVED), RECORD)
    return path


def test_everything_on_request_keeps_its_promises(heart):
    assert list(heart_faults(heart)) == []
    grid = pyvista.read(heart)
    assert np.isnan(grid["apd90"][3])
    assert grid["apd90"][0] == 280.0
    with h5py.File(heart) as file:
        assert list(file["probes"].attrs["names"]) == ["septum", "apex"]
        assert file["probes"].attrs["sampling_interval"] == 0.5
        probe = file["probes/apex"]
        assert (probe.attrs["node"], probe.attrs["cell_type"], probe.attrs["miss"]) == (4, 2, 0.25)
        np.testing.assert_allclose(probe["traces/i_na"], 2.0 * SAMPLES, rtol=1e-6)
        assert probe["traces/i_na"].attrs["unit"] == "A/F"
        assert probe["traces/i_na"].attrs["variable"] == "i_na.i_na"
        np.testing.assert_array_equal(file["voltage/times"], TIMES)
        assert file["voltage"].attrs["file"] == "a.voltage.vtkhdf"


TRACE = "probes/apex/traces/i_na"
DAMAGED_HEARTS = [
    (attribute(f"{POINT}/apd90", "unit"), "apd90 has unit None, expected ms"),
    (swap(f"{POINT}/activation_count", dtype="i8"), "activation_count is int64, expected uint16"),
    (attribute("probes", "names", ["apex"]), "probes are named otherwise than their groups"),
    (add("probes", "sampling_interval", 0.0), "probes: sampling_interval is 0.0"),
    (add("probes/apex", "node", 10**6), "probes/apex is at node 1000000 of"),
    (attribute("probes/apex", "miss"), "probes/apex lacks miss"),
    (attribute("probes/apex/place", "unit"), r"probes/apex/place is \(3,\), expected \(3,\) in mm"),
    (drop("probes/apex/traces/voltage"), "probes/apex has no voltage in mV"),
    (attribute(TRACE, "unit"), "traces/i_na has no unit"),
    (attribute(TRACE, "variable"), "traces/i_na has no variable"),
    (swap(TRACE, dtype="f8"), "traces/i_na is float64"),
    (swap(TRACE, data=np.zeros(2, "f4")), "traces of 2 lengths, expected one"),
    (drop("voltage"), "a.voltage.vtkhdf is there, and its heart has no /voltage"),
    (add("voltage", "file", "b.voltage.vtkhdf"), "expected 'a.voltage.vtkhdf'"),
    (put("voltage/times", 2, 11.0), "times of its steps differ from the heart's"),
]


@pytest.mark.parametrize(("damage", "sentence"), DAMAGED_HEARTS)
def test_verify_names_what_is_broken_in_a_heart(heart, damage, sentence):
    with h5py.File(heart, "r+") as file:
        damage(file)
    assert any(re.search(sentence, fault) for fault in heart_faults(heart))


DAMAGED_VOLTAGES = [
    (put("VTKHDF/Points", 0, 9.0), "Points differ from the heart's"),
    (put("VTKHDF/Steps/Values", 1, 6.0), "times of its steps differ"),
    (put("VTKHDF/Steps/NumberOfParts", 1, 2), "Steps/NumberOfParts are not all 1"),
    (put("VTKHDF/Steps/PointOffsets", 1, 5), "Steps/PointOffsets are not all 0"),
    (put("VTKHDF/Steps/PointDataOffsets/voltage", 1, 0), "PointDataOffsets/voltage are not"),
    (put(f"{POINT}/voltage", 1, np.nan), "voltage at 0 ms is not finite everywhere"),
    (swap(f"{POINT}/voltage", dtype="f8"), "voltage is float64"),
    (swap(f"{POINT}/voltage", compression="lzf"), "filter that VTK does not read"),
    (attribute(f"{POINT}/voltage", "unit"), "voltage has unit None, expected mV"),
    (drop("provenance"), "provenance is missing"),
    (drop("VTKHDF/Steps"), "Steps"),
]


@pytest.mark.parametrize(("damage", "sentence"), DAMAGED_VOLTAGES)
def test_verify_names_what_is_broken_in_the_voltage(heart, damage, sentence):
    with h5py.File(voltage_path(heart), "r+") as file:
        damage(file)
    assert any(re.search(sentence, fault) for fault in heart_faults(heart))


def test_verify_misses_a_voltage_and_sees_one_that_others_may_read(heart):
    voltage_path(heart).chmod(0o644)
    assert any("voltage.vtkhdf: has mode 644" in fault for fault in heart_faults(heart))
    voltage_path(heart).unlink()
    assert any("a.voltage.vtkhdf: missing" in fault for fault in heart_faults(heart))


def test_a_failed_heart_has_no_voltage_beside_it(heart):
    write_heart(heart, None, Outcome("diverged", "it did"), RECORD)
    assert any("its heart has no /voltage" in fault for fault in heart_faults(heart))
    voltage_path(heart).unlink()
    assert list(heart_faults(heart)) == []


def test_the_archive_knows_whose_voltage_it_is(heart):
    results = heart.parent.parent
    (results.parent / "m.vtu").write_text("x")
    (results.parent / "cohort.tsv").write_text("patient\tmesh\na\tm.vtu\n")
    for file in (heart, voltage_path(heart)):
        shutil.copy(file, file.with_name(file.name.replace("a.", "gone.", 1)))
    gather(results, shards=1)
    assert verify(results) == 1
    left = sorted(file.name for file in heart.parent.iterdir())
    assert left == ["a.voltage.vtkhdf", "a.vtkhdf"]
    moved = sorted(file.name for file in (results / "removed").iterdir())
    assert moved == ["gone.voltage.vtkhdf", "gone.vtkhdf"]
