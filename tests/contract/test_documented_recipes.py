"""The recipes in docs/archive-format.md and docs/reading.md run as they stand there."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import pyvista
import yaml
from solved_hearts import RECORD, gather, result

from polycardia.cli import main
from polycardia.io.heart_file import write_heart
from polycardia.io.origin import SOLVED, Outcome

DOCS = Path(__file__).resolve().parents[2] / "docs"
PATIENTS = ("s0001", "s0002", "s0003")


def blocks(name, language):
    text = (DOCS / name).read_text()
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found, f"{name} has recipes"
    return found


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A folder as a reader of the recipes stands in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.vtu").write_text("x")
    rows = [f"{name}\tm.vtu\tF\n" for name in PATIENTS]
    (tmp_path / "cohort.tsv").write_text("patient\tmesh\tsex\n" + "".join(rows))
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"cohort": "cohort.tsv"}))
    for seed, name in enumerate((PATIENTS[0], PATIENTS[2])):
        heart = tmp_path / "results" / "hearts" / f"{name}.vtkhdf"
        write_heart(heart, result(seed + 1, 50 - 10 * seed), Outcome(SOLVED), RECORD)
    bad = Outcome("bad_mesh", "3 tetrahedra are flat, need 0")
    write_heart(tmp_path / "results" / "hearts" / f"{PATIENTS[1]}.vtkhdf", None, bad, RECORD)
    gather(tmp_path / "results")
    return tmp_path


def test_plain_recipes(study, monkeypatch, capsys):
    plotted = []
    monkeypatch.setattr(
        pyvista.UnstructuredGrid, "plot", lambda grid, scalars: plotted.append(grid[scalars])
    )
    known = {}
    for block in blocks("archive-format.md", "python"):
        exec(compile(block, "archive-format.md", "exec"), known)
    assert list(known["table"].index) == list(PATIENTS)
    assert known["units"]["simulated_qrs_duration"] == "ms"
    np.testing.assert_array_equal(known["ecg"]["V2"], result(1).leads[7])
    assert (known["qrs"], known["unit"]) == (91.0, "ms")
    own = result(1).point_fields["activation_time"]
    np.testing.assert_allclose(known["latest"], result(1).mesh.points[np.argmax(own)], rtol=1e-6)
    np.testing.assert_array_equal(known["cells"], result(1).mesh.tetrahedra)
    np.testing.assert_allclose(plotted[0], own, rtol=1e-6)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "91.5 ms"
    assert said[1].startswith("['s0001', 's0003'] ")


def test_recipes_of_the_reader(study, capsys):
    known = {}
    for block in blocks("reading.md", "python"):
        if "xarray" in block:
            pytest.importorskip("xarray", reason="xarray is not installed")
        exec(compile(block, "reading.md", "exec"), known)
    assert list(known["women"]) == [PATIENTS[0], PATIENTS[2]]
    assert known["unit"] == "ms"
    np.testing.assert_array_equal(known["v2"], result(1).leads[7])
    assert known["nodes"].shape == (100, 4)
    assert known["qrs"] == (91.0, "ms")
    assert known["early_v2"].shape == (2, 21)
    assert "s0002 bad_mesh 3 tetrahedra are flat, need 0" in capsys.readouterr().out


def test_commands(study, capsys):
    for line in "".join(blocks("reading.md", "sh")).splitlines():
        program, *typed = shlex.split(line)
        assert program == "polycardia"
        assert main(typed) == 0, line
    assert pyvista.read("s0001.vtkhdf").n_points > 0
    assert pyvista.read("chosen.vtkhdf").keys() == ["s0001", "s0003"]
    assert (study / "tables" / "ecg" / "s0003.csv").is_file()
    assert "3 patients, no difference" in capsys.readouterr().out
