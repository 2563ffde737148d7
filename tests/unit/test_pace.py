"""`polycardia pace`: what it prints and draws."""

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from polycardia.cli import main
from polycardia.errors import BadStudy
from polycardia.ionic.pacing import ActionPotential
from polycardia.ionic.restitution import Restitution
from polycardia.report.cell_picture import CellCurves, draw_cells
from polycardia.study import pace as pace_module

CELL = ("pace", "--model", "mitchell_schaeffer")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    """One for all tests of this file: kernels are compiled once."""
    folder = tmp_path_factory.getbasetemp() / "pace-cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


def paced(capsys, *arguments):
    assert main(arguments) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys, *arguments):
    assert main(arguments) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    (sentence,) = [line for line in captured.err.splitlines() if line.startswith("polycardia: ")]
    return sentence


def test_numbers_of_one_model(capsys):
    found = paced(capsys, *CELL, "--json")["mitchell_schaeffer"]
    assert found["converged"] is True
    assert (found["cycle_length"], found["carrier"]) == (1000.0, None)
    assert found["apd90"] == [pytest.approx(286.5, abs=0.5)]
    assert found["rest"] == pytest.approx(-80.0, abs=0.01)
    assert found["peak"] == pytest.approx(14.6, abs=0.5)
    assert found["change"] <= 1e-4
    assert "restitution" not in found


def test_text_says_what_the_numbers_do(capsys):
    assert main([*CELL, "--cycle-length", "400", "--restitution"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["mitchell_schaeffer"]
    assert ["cycle", "length", "400", "ms"] in lines
    (beats,) = [line for line in lines if line[0] == "beats"]
    assert beats[-2:] == ["repeats", "itself"]
    assert ["stimulus", "carried", "by", "no", "ions"] in lines
    assert ["500.0", "285.0"] in lines
    assert lines[-1][:2] == ["steepest", "slope"]


def test_restitution_grows_with_the_interval(capsys):
    for protocol in ("s1s2", "dynamic"):
        found = paced(
            capsys, *CELL, "--cycle-length", "400", "--restitution", protocol, "--json"
        )["mitchell_schaeffer"]["restitution"]  # fmt: skip
        there = [apd for apd in found["apd90"] if apd is not None]
        assert len(there) > 5
        assert there == sorted(there)
        assert found["steepest_slope"] > 0.0


def test_alternating_cell_is_a_finding_and_not_an_error(capsys):
    found = paced(capsys, *CELL, "--cycle-length", "260", "--json")["mitchell_schaeffer"]
    assert found["outcome"] == "alternans"
    assert found["converged"] is False
    assert len(found["apd90"]) == 2


def test_three_layers_of_a_study(capsys, tmp_path):
    cells = {layer: {"name": "mitchell_schaeffer"} for layer in ("endocardial", "epicardial")}
    changed = {"name": "mitchell_schaeffer", "parameters": {"tau_close": 180.0}}
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"cells": {**cells, "midwall": changed, "cycle_length": 600.0}}))
    picture = tmp_path / "cells.svg"
    found = paced(capsys, "pace", "--config", str(config), "--json", "--picture", str(picture))
    assert list(found) == ["endocardial", "midwall", "epicardial"]
    assert found["endocardial"] == found["epicardial"]
    assert found["midwall"]["apd90"][0] > found["epicardial"]["apd90"][0] + 30.0
    assert ET.parse(picture).getroot().tag.endswith("svg")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (("--model", "none"), "cell model none: neither"),
        (("--model", "mitchell_schaeffer", "--cycle-length", "0.5"), "expected more than the"),
        (("--model", "mitchell_schaeffer", "--cycle-length", "nan"), "pace: cycle_length: Input"),
        (
            ("--model", "mitchell_schaeffer", "--tolerance", "0"),
            "tolerance: Input should",
        ),
        (("--model", "mitchell_schaeffer", "--beats", "-1"), "pace: beats: Input should be"),
        (("--model", "mitchell_schaeffer", "--cycle-length", "1e6"), "less than or equal to 1000"),
        (("--model", "mitchell_schaeffer", "--picture", "a.gif"), "found the ending '.gif'"),
        (("--config", "none.yaml"), "none.yaml: No such file"),
        (("--config", "none.yaml", "--beats", "3"), "--beats goes with --model"),
    ],
)
def test_what_cannot_be_asked(capsys, tmp_path, monkeypatch, typed, sentence):
    monkeypatch.chdir(tmp_path)
    assert sentence in refused(capsys, "pace", *typed)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(30)
@pytest.mark.parametrize("ending", ["mmt", "cellml", "toml"])
def test_a_pipe_is_no_cell_model(capsys, tmp_path, ending):
    """Reading one waits for somebody to write."""
    pipe = tmp_path / f"pipe.{ending}"
    os.mkfifo(pipe)
    expected = "found a pipe, a socket or a device, expected an ordinary file"
    assert refused(capsys, "pace", "--model", str(pipe)) == f"polycardia: {pipe}: {expected}"
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"cells": {"midwall": {"name": str(pipe)}}}))
    assert expected in refused(capsys, "pace", "--config", str(config))


@pytest.mark.timeout(30)
def test_a_pipe_is_no_model_for_a_variant_to_differ_from(capsys, tmp_path):
    pipe, variant = tmp_path / "pipe.mmt", tmp_path / "variant.toml"
    os.mkfifo(pipe)
    variant.write_text('model = "pipe.mmt"')
    sentence = f"{pipe}: found a pipe, a socket or a device, expected an ordinary file"
    assert refused(capsys, "pace", "--model", str(variant)) == f"polycardia: {sentence}"
    settings = json.dumps({"model": {"name": str(variant)}})
    files = ("--kernels", str(tmp_path / "kernels"), "--output", str(tmp_path / "cell.json"))
    assert sentence in refused(capsys, "model", "--settings", settings, *files)


def test_a_missing_model_is_told_before_another_is_paced(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(pace_module, "rest_state", lambda *_: pytest.fail("paced"))
    config = tmp_path / "config.yaml"
    cells = {"endocardial": {"name": "mitchell_schaeffer"}, "epicardial": {"name": "none.mmt"}}
    config.write_text(json.dumps({"cells": cells}))
    assert "none.mmt: No such file" in refused(capsys, "pace", "--config", str(config))


def test_a_device_is_no_cell_model(capsys, tmp_path):
    """One that has an end, lest a failing test fills the memory."""
    device = tmp_path / "device.mmt"
    device.symlink_to("/dev/null")
    assert "expected an ordinary file" in refused(capsys, "pace", "--model", str(device))


def test_a_pipe_called_like_a_shipped_model_changes_nothing(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("mitchell_schaeffer")
    assert paced(capsys, *CELL, "--beats", "1", "--json")


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        ("none/a.svg", "none/a.svg cannot be written: there is no folder none"),
        ("file/a.svg", "file/a.svg cannot be written: there is no folder file"),
        ("folder.svg", "folder.svg cannot be written: it is a folder"),
        ("a" * 252 + ".svg", "a.svg cannot be written: File name too long"),
        ("/proc/a.svg", "/proc/a.svg cannot be written: "),
    ],
)
def test_a_picture_that_cannot_be_written_is_told_before_pacing(
    capsys, tmp_path, monkeypatch, picture, sentence
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pace_module, "_paced", lambda *_: pytest.fail("paced before"))
    Path("file").touch()
    Path("folder.svg").mkdir()
    before = sorted(tmp_path.rglob("*"))
    assert sentence in refused(capsys, *CELL, "--picture", picture)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_picture_leaves_nothing_beside_it(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paced(capsys, *CELL, "--beats", "1", "--json", "--picture", "a.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]


def curves(name, restitution=None):
    times = np.linspace(0.0, 400.0, 401)
    beat = ActionPotential(times, -85.0 + 120.0 * np.exp(-(((times - 60.0) / 90.0) ** 4)))
    return CellCurves(name, [beat], restitution, 400.0)


def test_picture_has_a_second_plot_for_restitution(tmp_path):
    points = Restitution(np.array([50.0, 100.0]), np.array([150.0, 200.0]), np.full(2, 400.0))
    sizes = []
    for number, curve in enumerate((None, points)):
        path = tmp_path / f"{number}.png"
        draw_cells([curves("epi", curve)], path)
        with Image.open(path) as image:
            sizes.append(image.size)
    assert sizes[1] == (2 * sizes[0][0], sizes[0][1])


def test_same_cells_make_the_same_bytes(tmp_path):
    for ending in ("svg", "png"):
        drawn = []
        for name in ("one", "two"):
            path = tmp_path / f"{name}.{ending}"
            draw_cells([curves("epi"), curves("endo")], path)
            drawn.append(path.read_bytes())
        assert drawn[0] == drawn[1]


def test_colours_tell_the_cells_apart(tmp_path):
    path = tmp_path / "cells.svg"
    draw_cells([curves("a"), curves("b"), curves("c")], path)
    text = path.read_text()
    assert all(colour in text for colour in ("#7d2a9e", "#e0594b", "#2a7f8e"))


def test_picture_that_cannot_be_written(tmp_path):
    taken = tmp_path / "file"
    taken.write_text("")
    with pytest.raises(BadStudy, match="cannot be written"):
        draw_cells([curves("a")], taken / "cells.svg")


def test_pacing_starts_no_mpi():
    """So that it works where MPI does not: on a login node, or in a step of SLURM."""
    code = "import sys, polycardia.study.pace; print({'mpi4py', 'petsc4py'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "set()\n", done.stderr
