"""A user's own CellML file, gradients and a scar, on a heart, from the config alone."""

import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import pyvista
from tiny_cohort import ROOT, Row, Study, new_study

CELLML = ROOT / "tests" / "contract" / "cells" / "excitable.cellml"
SCAR = 3  # region tag
RADIUS = 14.0  # [mm]

# In the file's own units: seconds.
CELL = {
    "name": "excitable.cellml",
    "parameters": {"inward.tau": 0.001, "outward.tau": 0.02, "tau_close": 0.07},
}
LAYERS = ("endocardial", "midwall", "epicardial")
GRADIENT = {"parameter": "tau_close", "along": "apicobasal", "at_zero": 1.0, "at_one": 2.0}
IN_SCAR = {"conductivity_factor": 0.1, "scaling": {"tau_open": 1.0, "slow.g": 4.0}}


def with_scar(mesh: Path, folder: Path) -> str:
    """Tag the cells of a ball in the wall; return the path of the new mesh."""
    grid = pyvista.read(mesh)
    centres = grid.cell_centers().points
    middle = centres[np.argmax(centres[:, 0])]
    inside = np.linalg.norm(centres - middle, axis=1) < RADIUS
    grid.cell_data["region"] = np.where(inside, SCAR, 1).astype(np.int32)
    path = folder / "scarred.vtu"
    grid.save(path)
    return str(path)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, hearts: list[Row]) -> Study:
    folder = tmp_path_factory.mktemp("own")
    row = hearts[0] | {"mesh": with_scar(Path(hearts[0]["mesh"]), folder)}
    study = new_study(folder, [row])
    shutil.copy(CELLML, folder)
    study.configure(lambda settings: settings.update(cells=cells(), numerics=numerics()))
    return study


def cells(**more: Any) -> dict[str, Any]:
    return {**dict.fromkeys(LAYERS, CELL), "beats": 1, **more}


def numerics() -> dict[str, Any]:
    return {"dt": 0.2, "duration": 400.0}


def beat(study: Study, name: str, **more: Any) -> dict[str, np.ndarray]:
    """Run the three commands and return what they wrote, in the order of the prepared nodes."""
    study.configure(lambda settings: settings.update(cells=cells(**more), results=name))
    for command in ("model", "prepare", "simulate"):
        patient = () if command == "model" else ("--patient", "s0001")
        done = study.polycardia(command, "--config", "study.yaml", *patient)
        assert done.returncode == 0, done.stderr
    with (
        h5py.File(study.folder / name / "work" / "s0001" / "prepared.h5") as prepared,
        h5py.File(study.folder / name / "hearts" / "s0001.vtkhdf") as heart,
    ):
        assert heart["outcome"].attrs["status"] == "solved", heart["outcome"].attrs["detail"]
        maps = {key: values[()] for key, values in heart["VTKHDF/PointData"].items()}
        cells_of = {key: prepared[f"mesh/{key}"][()] for key in ("tetrahedra", "region", "factor")}
        apicobasal = prepared["coordinates/apicobasal"][()]
        return {**maps, **cells_of, "leads": prepared["leads/along"][()], "apicobasal": apicobasal}


@pytest.fixture(scope="module")
def plain(study: Study) -> dict[str, np.ndarray]:
    return beat(study, "plain")


def duration(heart: dict[str, np.ndarray]) -> np.ndarray:
    return heart["repolarisation_time"] - heart["activation_time"]


def within(heart: dict[str, np.ndarray], tag: int) -> np.ndarray:
    """Nodes all of whose cells have a region tag."""
    inside = np.ones(len(heart["leads"][0]), dtype=bool)
    inside[heart["tetrahedra"][heart["region"] != tag]] = False
    return inside


def test_cellml_with_piecewise_and_extra_compartments_runs_on_a_heart(
    plain: dict[str, np.ndarray],
) -> None:
    assert not np.isnan(plain["repolarisation_time"]).any()
    assert 100.0 < duration(plain).min() < duration(plain).max() < 300.0


def test_gradient_prolongs_the_action_potential_towards_the_base(
    study: Study, plain: dict[str, np.ndarray]
) -> None:
    graded = beat(study, "graded", gradients=[GRADIENT])
    np.testing.assert_array_equal(graded["activation_time"] > 0, plain["activation_time"] > 0)
    longer = duration(graded) - duration(plain)
    apex, base = graded["apicobasal"] < 0.15, graded["apicobasal"] > 0.85
    assert longer[base].mean() > 50.0
    assert longer[base].mean() > 3.0 * longer[apex].mean() > 0.0


def test_scar_conducts_less_in_heart_and_lead_vectors_and_has_its_own_cells(
    study: Study, plain: dict[str, np.ndarray]
) -> None:
    scarred = beat(study, "scarred", regions={SCAR: IN_SCAR})
    in_scar = scarred["region"] == SCAR
    np.testing.assert_allclose(
        scarred["factor"], plain["factor"] * np.where(in_scar, 0.1, 1.0), rtol=1e-6
    )
    inside, outside = within(scarred, SCAR), within(scarred, 1)
    assert inside.sum() > 50
    np.testing.assert_array_equal(scarred["leads"][:, outside], plain["leads"][:, outside])
    np.testing.assert_allclose(
        scarred["leads"][:, inside], 0.1 * plain["leads"][:, inside], rtol=1e-5, atol=1e-9
    )
    later = scarred["activation_time"] - plain["activation_time"]
    assert later[inside].mean() > 5.0
    shorter = duration(plain) - duration(scarred)
    assert shorter[inside].mean() > 10.0


def test_workflow_takes_a_cellml_file_and_names_one_that_is_missing(study: Study) -> None:
    study.configure(lambda settings: settings.update(cells=cells(), results="planned"))
    plan = study.plan()
    assert {f"model {layer}" for layer in LAYERS} <= set(plan)
    study.configure(
        lambda settings: settings["cells"].update(epicardial={"name": "missing.cellml"})
    )
    ran = study.run("--dry-run")
    assert ran.status != 0
    assert "cells.epicardial.name: found 'missing.cellml', expected one of" in ran.output


def test_constant_that_the_cell_does_not_have_is_named_before_the_hearts(study: Study) -> None:
    wrong = GRADIENT | {"parameter": "g_ks"}
    study.configure(lambda settings: settings.update(cells=cells(gradients=[wrong])))
    done = study.polycardia("model", "--config", "study.yaml")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("polycardia: cell model excitable.cellml: g_ks is not one of its")
    assert "tau_close" in last
