"""A heart's provenance names the contents of every file that it was prepared from."""

import hashlib

import pytest

from polycardia.cohort import Source
from polycardia.config import Simulation, study_from
from polycardia.io.prepared import PreparedFile
from polycardia.study.prepare import input_digests, prepare
from polycardia.study.record import heart_record


def preparation(*endings):
    places = [
        {"name": f"p{number}", "points": {"ending": ending, "radius": 1.0}}
        for number, ending in enumerate(endings)
    ]
    return study_from({"protocol": {"places": places}}, "c").preparation()


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def source(tmp_path):
    for name, text in (("vtu", "mesh"), ("z.vtx", "later"), ("border.vtx", "first")):
        (tmp_path / f"heart.{name}").write_text(text)
    return Source(tmp_path / "heart.vtu")


def test_points_are_digested_in_the_order_of_their_names_and_each_file_once(source):
    digests = input_digests(source, preparation(".z.vtx", ".border.vtx", ".z.vtx"))
    assert digests == {"mesh_sha256": sha256("mesh"), "points_sha256": sha256("firstlater")}


@pytest.mark.parametrize("endings", [(), (".missing.vtx",)])
def test_without_files_of_points_there_is_no_digest(source, endings):
    assert input_digests(source, preparation(*endings)) == {"mesh_sha256": sha256("mesh")}


def test_a_prepared_and_a_simulated_heart_have_it(source, tmp_path):
    """Also one whose mesh cannot be used."""
    output = tmp_path / "prepared.h5"
    prepare(source, preparation(".border.vtx"), output)
    with PreparedFile(output) as prepared:
        assert prepared.outcome.status == "bad_mesh"
        assert prepared.provenance["points_sha256"] == sha256("first")
        assert heart_record(prepared.provenance, Simulation())["points_sha256"] == sha256("first")
