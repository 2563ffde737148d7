"""Another's CellML file on a scanned heart, from the config alone."""

from pathlib import Path

import h5py
import myokit
import numpy as np
import pytest
import yaml
from tiny_cohort import polycardia

# Beeler and Reuter 1977: 13 components and a piecewise stimulus of its own.
CELLML = Path(myokit.__file__).parent / "tests/data/formats/cellml/br-1977.cellml"
LAYERS = ("endocardial", "midwall", "epicardial")

pytestmark = pytest.mark.skipif(not CELLML.exists(), reason="Myokit without its tests' data")


def configure(folder: Path, hearts: Path) -> None:
    (folder / CELLML.name).write_bytes(CELLML.read_bytes())
    row = f"b\t{hearts / 'heart-b.vtu'}\t{hearts / 'heart-b_surface.vtp'}"
    (folder / "cohort.tsv").write_text(f"patient\tmesh\tsurfaces\n{row}\n")
    settings = {
        "cohort": "cohort.tsv",
        "meshes_outside": True,
        "anatomy": {"edge_length": 4.0},
        "cells": {**{layer: {"name": CELLML.name} for layer in LAYERS}, "beats": 1},
        "numerics": {"dt": 0.1, "duration": 400.0, "stop": "when_activated"},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(settings))


def test_a_published_cellml_file_excites_a_real_heart(real_hearts: Path, tmp_path: Path) -> None:
    configure(tmp_path, real_hearts)
    for command in ("model", "prepare", "simulate"):
        patient = () if command == "model" else ("--patient", "b")
        done = polycardia(command, "--config", "study.yaml", *patient, folder=tmp_path)
        assert done.returncode == 0, done.stderr
    with h5py.File(tmp_path / "results" / "hearts" / "b.vtkhdf") as heart:
        assert heart["outcome"].attrs["status"] == "solved", heart["outcome"].attrs["detail"]
        times = heart["VTKHDF/PointData/activation_time"][()]
    assert not np.isnan(times).any()
    # A wave, not all at once.
    assert 50.0 < np.ptp(times) < 400.0
