"""HDF5 files that were made to make their readers fail end in a sentence, within limits."""

import json
import re
import resource
import subprocess
import sys
from pathlib import Path

import h5py
import hostile_hdf5 as hostile
import numpy as np
import pytest
from damage import drop, swap
from prepared_hearts import prepared_heart
from solved_hearts import RECORD, gather

from polycardia.errors import BadArchive, MachineTrouble
from polycardia.io import contained
from polycardia.io.archive_file import read_table
from polycardia.io.checkpoint_file import CheckpointFile, write_checkpoint
from polycardia.io.origin import PREPARED, Outcome
from polycardia.io.prepared import PreparedFile, write_prepared
from polycardia.io.seal import BEHIND, seal
from polycardia.study.archive import verify

ATTACKED = Path(__file__).with_name("attacked.py")
SECRET = 4711.25
LONGEST = 400  # [characters] of a sentence, a path included
LEADS, AGE, NAMES = "ecg/leads", "patients/age", "patients/patient"
NOT_A_COLUMN = "patients/age holds values of the type"

# What is done to the archive, and what `export` says of it.
ARCHIVES = {
    "claims": (hostile.claims(LEADS, (1 << 40, 12, 1 << 20)), "claims 5534.* and stores 0"),
    "claims a little": (hostile.claims(LEADS, (3, 12, 1 << 22)), "claims 603979776 bytes"),
    "claims names": (hostile.claims(NAMES, (1 << 58,)), "patients/patient claims"),
    "squeezed twice": (hostile.squeezed_twice(LEADS, 100), "claims 67108.* and stores"),
    "repeated text": (hostile.repeated_text(NAMES, 20_000, 1 << 20), "memory"),
    "external link": (hostile.external_link(AGE), "patients/age is a link"),
    "external table": (hostile.external_link("patients"), "patients is a link"),
    "link to itself": (hostile.link_to_itself(LEADS), "ecg/leads is a link"),
    "group in itself": (hostile.group_in_itself("patients"), "patients/below is no column"),
    "raw bytes": (hostile.raw_bytes_of(AGE, "/etc/passwd"), "patients/age takes its values from"),
    "virtual": (hostile.virtual(LEADS), "ecg/leads takes its values from another file"),
    "unknown filter": (hostile.unknown_filter(LEADS), "ecg/leads is damaged"),
    "references": (hostile.of_type(AGE, h5py.ref_dtype), NOT_A_COLUMN),
    "compound": (hostile.of_type(AGE, hostile.COMPOUND), NOT_A_COLUMN),
    "arrays of any length": (hostile.of_type(NAMES, h5py.vlen_dtype("i4")), "holds values of the"),
    "text for numbers": (hostile.of_type(LEADS, h5py.string_dtype()), "ecg/leads is object"),
}  # fmt: skip

# What is done to a heart, and what `shard` or `view` says of it.
HEARTS = {
    "claims": (hostile.claims("VTKHDF/Points", (1 << 58, 3)), "VTKHDF/Points claims"),
    "claims an ECG": (hostile.claims(LEADS, (12, 1 << 30)), "ecg/leads claims"),
    "squeezed twice": (hostile.squeezed_twice(LEADS, 100), "ecg/leads claims"),
    "external link": (hostile.external_link("VTKHDF/Points"), "VTKHDF/Points is a link"),
    "raw bytes": (hostile.raw_bytes_of(LEADS, "/etc/passwd"), "ecg/leads takes its values"),
    "virtual": (hostile.virtual(LEADS), "ecg/leads takes its values"),
    "group in itself": (hostile.group_in_itself("VTKHDF"), ""),
    "compound": (hostile.of_type("measures/qrs_duration", hostile.COMPOUND), "holds values of the"),
}  # fmt: skip


@pytest.fixture
def secret(tmp_path):
    """A file of the user's that no reader of another one has business with."""
    path = tmp_path / "secret.h5"
    with h5py.File(path, "w") as file:
        file["values"] = np.full((3, 12, 50), SECRET, np.float32)
    return path


def attack(folder, *commands):
    """Run commands, and return what each said, by its name; statuses and lengths are checked."""
    (folder / "config.yaml").write_text("cohort: cohort.tsv\n")
    done = subprocess.run(
        [sys.executable, ATTACKED, json.dumps([[str(word) for word in c] for c in commands])],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(commands)
    for answer in answers:
        assert "Traceback" not in answer["said"]
        assert max(map(len, answer["said"].splitlines()), default=0) < LONGEST
        if answer["command"] not in ("verify", "report", "shard", "failed"):  # with lists or logs
            assert len(answer["said"].splitlines()) == 1, answer
    return {a["command"]: (a["status"], a["said"]) for a in answers}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_made_to_hurt_is_refused_in_a_sentence(results, secret, name):
    gather(results)
    make, sentence = ARCHIVES[name]
    archive = results / "cohort.h5"
    make(archive, secret)
    seal(archive, BEHIND)
    said = attack(
        results.parent,
        ("export", "--archive", archive, "--format", "csv", "--output", "out", "--clinical"),
        ("view", "--archive", archive, "--patients", "a", "--output", "a.vtkhdf"),
        ("pack", archive, "packed.h5"),
        ("diff", archive, archive),
        ("report", "--archive", archive, "--config", "config.yaml", "--output", "r/index.html"),
        ("verify", results),
    )
    assert said["export"][0] == 1
    assert re.search(sentence, said["export"][1])
    assert said["verify"][0] == said["report"][0] == 1
    assert not (results.parent / "out").exists()
    assert not (results.parent / "r" / "index.html").exists()
    assert not list(results.parent.rglob("*.part"))


@pytest.mark.parametrize("name", HEARTS)
def test_a_heart_made_to_hurt_is_refused_in_a_sentence(results, secret, name):
    gather(results)
    make, sentence = HEARTS[name]
    heart = results / "hearts" / "a.vtkhdf"
    make(heart, secret)
    seal(heart, BEHIND)
    archive = results / "cohort.h5"
    common = ("--cohort", results.parent / "cohort.tsv", "--hearts", results / "hearts")
    said = attack(
        results.parent,
        ("shard", *common, "--shard", 0, "--of", 1, "--output", "0.h5"),
        ("view", "--archive", archive, "--patients", "a", "--output", "a.vtkhdf"),
        ("diff", archive, archive),
        ("pack", archive, "packed.h5"),
        ("failed", "--config", "config.yaml"),
        ("verify", results),
    )
    assert re.search(sentence, said["shard"][1] + said["view"][1])
    assert said["diff"][0] == 2
    assert said["pack"] == (1, f"polycardia: {heart}: is not the file that the archive was made "
                            "from\n")  # fmt: skip
    assert said["verify"][0] == 1
    assert said["failed"][0] == 0


PREPARED_HEARTS = {
    "claims": (hostile.claims("mesh/points", (1 << 58, 3)), "mesh/points claims"),
    "external link": (hostile.external_link("mesh/tetrahedra"), "mesh/tetrahedra is a link"),
    "raw bytes": (hostile.raw_bytes_of("mesh/points", "/etc/passwd"), "mesh/points takes"),
    "virtual": (hostile.virtual("boundary/label"), "boundary/label takes"),
    "references": (hostile.of_type("leads/along", h5py.ref_dtype), "leads/along holds values"),
    "unknown filter": (hostile.unknown_filter("leads/along"), "filter returned failure"),
    "no outcome": (hostile.link_to_itself("outcome"), "outcome is a link"),
}


def read_all(prepared):
    with PreparedFile(prepared) as heart:
        assert heart.outcome.status == PREPARED
        heart.read_leads(0, 3, fibre=1.0, cross=1.0)
        heart.read_boundary()
        heart.read_mesh()


@pytest.mark.parametrize("name", PREPARED_HEARTS)
def test_a_prepared_heart_made_to_hurt_is_refused_in_a_sentence(tmp_path, secret, name):
    make, sentence = PREPARED_HEARTS[name]
    path = tmp_path / "prepared.h5"
    write_prepared(path, prepared_heart(3.0), Outcome(PREPARED), RECORD)
    make(path, secret)
    with pytest.raises(BadArchive, match=sentence):
        read_all(path)


def test_a_checkpoint_made_to_hurt_is_refused_in_a_sentence(tmp_path, secret):
    path = tmp_path / "checkpoint.h5"
    write_checkpoint(path, {"step": 3}, [("v", np.ones(5))])
    hostile.external_link("arrays/v")(path, secret)
    with CheckpointFile(path) as checkpoint, pytest.raises(BadArchive, match="v is a link"):
        checkpoint.rows("v", 0, 5)
    hostile.claims("about", (1 << 58,))(path, secret)
    with pytest.raises(BadArchive, match="about claims"):
        CheckpointFile(path)


def test_verify_tells_what_is_elsewhere_though_the_values_are_right(results, secret):
    gather(results)
    archive = results / "cohort.h5"
    with h5py.File(archive) as file, h5py.File(secret, "w") as other:
        other["values"] = file[AGE][()]
    hostile.virtual(AGE)(archive, secret)
    seal(archive, BEHIND)
    with pytest.raises(BadArchive, match=r"^cohort\.h5: patients/age takes its values from"):
        verify(results)


def test_bytes_that_changed_anywhere_end_in_a_sentence(results):
    """Resealed, so that no checksum of ours is the one that finds it."""
    gather(results)
    random = np.random.default_rng(7)
    commands, damaged = [], []
    for number in range(60):
        original = results / ("cohort.h5", "hearts/a.vtkhdf")[number % 2]
        # The headers of HDF5's objects are among the first bytes, and around these words.
        raw = bytearray(original.read_bytes())
        words = [m.start() for m in re.finditer(rb"TREE|HEAP|SNOD|OHDR|GCOL|FRHP", raw)]
        for place in random.choice(words, 3) + random.integers(0, 120, 3):
            raw[min(place, len(raw) - 200)] = random.integers(256)
        folder = results.parent / f"damaged{number}"
        (folder / "hearts").mkdir(parents=True)
        path = folder / original.relative_to(results)
        for name in ("cohort.h5", "hearts/a.vtkhdf", "hearts/b.vtkhdf", "hearts/c.vtkhdf"):
            (folder / name).write_bytes((results / name).read_bytes())
        path.write_bytes(raw)
        seal(path, BEHIND)
        damaged.append(folder)
        commands.append(("diff", results / "cohort.h5", folder / "cohort.h5"))
        commands.append(("export", "--archive", folder / "cohort.h5", "--format", "csv",
                         "--output", folder / "out"))  # fmt: skip
    attack(results.parent, *commands)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (drop("patients/detail"), "patients/detail is missing or no text"),
        (swap("patients/age", data=[1.0]), "patients/age is .*, expected one value a patient"),
        (swap(LEADS, data=np.zeros((2, 12, 5), "f4")), "ecg/leads is float32 .*, expected"),
    ],
)
def test_a_table_that_is_none_is_refused(results, damage, sentence):
    gather(results)
    with h5py.File(results / "cohort.h5", "r+") as file:
        damage(file)
    with pytest.raises(BadArchive, match=sentence):
        read_table(results / "cohort.h5")


def test_memory_has_a_limit_only_as_long_as_files_are_read(monkeypatch):
    least = 1 << 40  # [bytes], more than half of what any machine has that runs this
    monkeypatch.setattr(contained, "LEAST_MEMORY", least)
    before = resource.getrlimit(resource.RLIMIT_AS)
    own = least if before[0] == resource.RLIM_INFINITY else min(least, before[0])
    with contained.bounded():
        assert resource.getrlimit(resource.RLIMIT_AS)[0] == own
    with pytest.raises(MachineTrouble, match="bytes of memory are wanted"), contained.bounded():
        np.empty(own, np.uint8)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
