"""A result takes the prepared heart from file to file: whole in the end, in parts on the way."""

import tracemalloc
from contextlib import closing

import h5py
import numpy as np
import pytest
from prepared_hearts import prepared_heart

from polycardia.config import study_from
from polycardia.io import rows
from polycardia.io.heart_file import write_heart
from polycardia.io.origin import PREPARED, SOLVED, Outcome
from polycardia.io.prepared import PreparedFile, write_prepared
from polycardia.io.voltage_file import VoltageWriter, voltage_path
from polycardia.solver.recorders import Recorded
from polycardia.study.result import heart_result

SETTINGS = study_from({"outputs": {"fields": ["apicobasal", "cell_type", "sheet"]}}, "config")
N_SAMPLES = 51


@pytest.fixture(scope="module")
def heart():
    return prepared_heart(0.5)


@pytest.fixture(scope="module")
def prepared(heart, tmp_path_factory):
    path = tmp_path_factory.mktemp("heart") / "prepared.h5"
    write_prepared(path, heart, Outcome(PREPARED), {})
    with PreparedFile(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def recorded(heart):
    random = np.random.default_rng(6)
    activation = random.uniform(0.0, 90.0, len(heart.mesh.points))
    return Recorded(
        activation=activation,
        repolarisation=activation + 300.0,
        activation_count=np.ones(len(activation), np.uint16),
        apd90=None,
        probes=None,
        potentials=random.normal(size=(10, N_SAMPLES)),
        captured=np.array([1]),
    )


def written(prepared, recorded, path):
    result = heart_result(prepared.stored(), recorded, SETTINGS.simulation())
    write_heart(path, result, Outcome(SOLVED), {})


@pytest.mark.parametrize("at_once", [997, 10**6])
def test_every_value_arrives(heart, prepared, recorded, tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(rows, "ROWS_AT_ONCE", at_once)
    path = tmp_path / "h.vtkhdf"
    written(prepared, recorded, path)
    with closing(VoltageWriter(path, len(heart.mesh.points))) as writer:
        writer.take(0, 0.0, np.zeros(len(heart.mesh.points)))
        writer.finish(prepared.stored(), 0.0, 1.0, {})
    cells = heart.mesh.tetrahedra
    mesh = {
        "Points": heart.mesh.points.astype(np.float32),
        "Connectivity": cells.astype(np.int64).ravel(),
        "Offsets": 4 * np.arange(len(cells) + 1),
        "Types": np.full(len(cells), 10, np.uint8),
    }
    fields = {
        "PointData/activation_time": recorded.activation.astype(np.float32),
        "PointData/repolarisation_time": recorded.repolarisation.astype(np.float32),
        "PointData/apicobasal": heart.coordinates["apicobasal"].astype(np.float32),
        "PointData/cell_type": heart.cell_type.astype(np.uint8),
        "CellData/fibre": heart.mesh.fibre.astype(np.float32),
        "CellData/region": heart.mesh.region.astype(np.int32),
        "CellData/sheet": heart.sheet.astype(np.float32),
    }
    for file_path, expected in ((path, mesh | fields), (voltage_path(path), mesh)):
        with h5py.File(file_path) as file:
            grid = file["VTKHDF"]
            for name, values in expected.items():
                assert grid[name].dtype == values.dtype, name
                np.testing.assert_array_equal(grid[name], values, err_msg=name)
            if file_path == path:
                assert [*grid["PointData"]] == sorted(n[10:] for n in fields if n[0] == "P")
                assert [*grid["CellData"]] == ["fibre", "region", "sheet"]


def test_no_array_of_the_heart_is_whole_in_memory(heart, prepared, recorded, tmp_path, monkeypatch):
    """Of the cells' nodes, 32 bytes each in the file, no more than a quarter at any time."""
    monkeypatch.setattr(rows, "ROWS_AT_ONCE", 500)
    written(prepared, recorded, tmp_path / "first.vtkhdf")  # what is made once is there
    tracemalloc.start()
    try:
        written(prepared, recorded, tmp_path / "second.vtkhdf")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.25 * 32 * len(heart.mesh.tetrahedra)
