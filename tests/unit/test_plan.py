"""`polycardia plan`: sizes, costs and where jobs fit."""

import json
import math
from dataclasses import replace
from pathlib import Path

import h5py
import pytest
import yaml
from box_heart import box_heart, write_carp
from heart_costs import record

from polycardia.cli import main
from polycardia.cohort import Source, read_cohort
from polycardia.config import study_from
from polycardia.errors import BadMesh
from polycardia.io.meshes import read_source
from polycardia.physics.intake import admit
from polycardia.physics.refinement import refine
from polycardia.scheduler import Partition, partitions
from polycardia.study.mesh_size import prepared_nodes
from polycardia.study.plan import USUAL_BEAT, plan
from polycardia.study.plan_wording import described, misfits
from polycardia.study.sizing import PREPARED_BYTES_PER_NODE, beat_job

DURATION = 400.0
BYTES = {"a": 1000, "b": 2000, "c": 3000, "d": 4000}  # of the mesh files


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, size in BYTES.items():
        Path(f"{name}.vtu").write_bytes(b"x" * size)
    rows = "".join(f"{name}\t{name}.vtu\n" for name in BYTES)
    Path("cohort.tsv").write_text("patient\tmesh\n" + rows)
    Path("config.yaml").write_text(yaml.safe_dump(settings()))
    return tmp_path


def settings():
    return {"cohort": "cohort.tsv", "numerics": {"duration": DURATION}}


def planned(measure, again=False):
    return plan(study_from(settings(), "config"), patients(), measure, again=again)


def patients():
    return read_cohort(Path("cohort.tsv"))


def by_bytes(patient):
    """A mesh of a node for every two bytes."""
    return patient.source.mesh.stat().st_size / 2.0


def never(patient):
    raise AssertionError("a mesh is read, expected none")


def prepare(name, nodes):
    path = Path(f"results/work/{name}/prepared.h5")
    path.parent.mkdir(parents=True)
    with h5py.File(path, "w") as file:
        file.create_group("outcome")
        file["mesh/points"] = [[0.0, 0.0, 0.0]] * nodes


def finish(name, nodes, seconds, ranks=2, prepare_seconds=3.0, memory=4e8):
    path = Path(f"results/hearts/{name}.vtkhdf")
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.create_group("outcome").attrs.update({"status": "solved", "detail": ""})
        simulation = {"numerics": {"duration": DURATION}}
        file.create_group("provenance").attrs.update(
            {
                "settings": json.dumps({"simulation": simulation}),
                **record(
                    cost_n_nodes=nodes,
                    ranks=ranks,
                    seconds=seconds,
                    prepare_seconds=prepare_seconds,
                    memory=memory,
                ),
            }
        )


def test_a_study_whose_cells_lack_a_constant_has_no_plan(folder, capsys):
    cells = {"endocardial": {"name": "minimal_endo", "parameters": {"tau_zz": 1.0}}}
    Path("config.yaml").write_text(yaml.safe_dump(settings() | {"cells": cells}))
    assert main(["plan"]) == 1
    assert "cell model minimal_endo: tau_zz is not one of its constants" in capsys.readouterr().err


def test_sizes_are_judged_by_a_few_meshes(folder):
    asked = []

    def measure(patient):
        asked.append(patient.source.mesh.stem)
        return by_bytes(patient)

    found = planned(measure)
    assert len(asked) == 3
    assert {"a", "d"} <= set(asked)
    assert [heart.nodes for heart in found.hearts] == pytest.approx([500, 1000, 1500, 2000])
    assert not any(heart.prepared for heart in found.hearts)
    assert found.rates.beat == USUAL_BEAT


def test_prepared_hearts_are_counted_and_judge_the_others(folder):
    for name in ("a", "b", "c"):
        prepare(name, BYTES[name])
    found = planned(never)
    sizes = [heart.nodes for heart in found.hearts]
    ratio = BYTES["a"] / (Path("results/work/a/prepared.h5").stat().st_size)
    assert ratio * PREPARED_BYTES_PER_NODE > 1.0, "files so small are all header"
    assert sizes[1] == pytest.approx(BYTES["b"], rel=0.2)
    assert [heart.prepared for heart in found.hearts] == [True, True, True, False]
    assert sizes[3] > 0.0


def test_meshes_that_cannot_be_read_are_left_out(folder):
    def measure(patient):
        raise BadMesh("it is none")

    found = planned(measure)
    assert (found.hearts, found.unread) == ([], 4)
    assert "4 left out: no mesh of their format could be read" in described(found, [])


def test_costs_are_those_of_the_hearts_so_far(folder):
    finish("a", nodes=500, seconds=20.0)
    finish("b", nodes=1000, seconds=40.0)
    found = planned(by_bytes)
    assert (found.total, found.done, len(found.hearts)) == (4, 2, 2)
    each = 20.0 * 2 / (500 * DURATION)
    assert found.rates.beat == pytest.approx(each)
    assert found.rates.hearts == 2
    seconds = sum(each * DURATION * heart.nodes for heart in found.hearts)
    starts = 10.0 * sum(heart.job.ranks for heart in found.hearts)
    assert found.beat_hours == pytest.approx((seconds + starts) / 3600.0)
    assert found.rates.memory == pytest.approx(400.0 / beat_job(1000, 1).memory)
    assert len(planned(by_bytes, again=True).hearts) == 4


def test_a_finished_heart_that_failed_or_is_damaged_says_nothing_of_costs(folder):
    finish("a", nodes=500, seconds=20.0)
    Path("results/hearts/b.vtkhdf").write_bytes(b"damaged")
    with h5py.File("results/hearts/c.vtkhdf", "w") as file:
        file.create_group("outcome").attrs.update({"status": "bad_mesh", "detail": "flat"})
        file.create_group("provenance").attrs["seconds"] = 3.0
    assert planned(by_bytes).rates.hearts == 1


FITTING = Partition("standard", nodes=4, cores=64, memory=256_000, minutes=1440.0)


def test_where_a_study_fits_and_why_not_elsewhere(folder):
    def large(patient):
        return 1e6

    found = planned(large)
    job = found.hearts[0].job
    assert misfits(found, FITTING) == []
    assert misfits(found, Partition("short", 4, 64, 256_000, 5.0)) == [
        f"too short: a beat asks for {job.minutes} min"
    ]
    assert "too little memory" in misfits(found, Partition("poor", 400, 64, 300, math.inf))[0]
    # Beats fit, but not what prepares this heart.
    bulky = replace(found, hearts=[replace(found.hearts[0], source_bytes=10**9)])
    room = Partition("room", 40, 64, 2 * job.memory, math.inf)
    assert misfits(found, room) == []
    assert "too little memory" in misfits(bulky, room)[0]
    assert "too few cores" in misfits(found, Partition("small", 1, 4, 256_000, math.inf))[0]
    # Two nodes of as many cores, but memory for two ranks each.
    thin = Partition("thin", 2, 64, 3 * job.memory_per_rank - 1, math.inf)
    assert "too few cores" in misfits(found, thin)[0]
    assert "4 hearts at once" in described(found, [FITTING])


def test_many_short_beats_belong_into_one_allocation(folder):
    found = planned(by_bytes)
    assert "a job for each heart" in described(found, [])
    many = replace(found, hearts=20 * list(found.hearts))
    assert "sbatch slurm/allocation" in described(many, [])
    long = replace(many, rates=replace(many.rates, beat=1.0))
    assert "a job for each heart" in described(long, [])


SINFO = """#!/bin/sh
printf 'standard*|512|128|257000|1-12:30:00\\nshort|4|64+|257000+|20:00\\nlong|8|64|10|infinite\\n'
"""


def test_partitions_are_read_from_sinfo(tmp_path, monkeypatch):
    (tmp_path / "sinfo").write_text(SINFO)
    (tmp_path / "sinfo").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert partitions() == [
        Partition("standard", 512, 128, 257_000, 36.5 * 60.0),
        Partition("short", 4, 64, 257_000, 20.0),
        Partition("long", 8, 64, 10, math.inf),
    ]


@pytest.mark.parametrize("edge_length", [None, 9.0, 4.0])
def test_a_meshs_size_is_that_of_its_refinement(tmp_path, edge_length):
    write_carp(box_heart(), tmp_path / "box")
    source = Source(mesh=tmp_path / "box.pts", units="um")
    admitted = admit(read_source(source.mesh), units="um")
    refined = admitted.mesh
    if edge_length:
        refined, _ = refine(refined, admitted.boundary, edge_length=edge_length)
    assert prepared_nodes(source, edge_length) == pytest.approx(len(refined.points), rel=0.35)


def test_the_command_without_a_scheduler(folder, monkeypatch, capsys):
    monkeypatch.setattr("polycardia.study.mesh_size.prepared_nodes", lambda *_: 1e5)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert main(["plan"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("4 hearts: 0 have a result, 4 to compute\n")
    assert "no sinfo here" in said
    assert main(["plan", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["to_compute"], found["ranks"]["largest"]) == (4, 4)


def test_nothing_left_is_said(folder, monkeypatch, capsys):
    for name in BYTES:
        finish(name, nodes=500, seconds=20.0)
    assert main(["plan"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "4 hearts: 4 have a result, 0 to compute",
        "--all plans for those that have a result, too",
    ]
