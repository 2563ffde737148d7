"""A packed archive stands alone and knows whether a byte of it was changed."""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
from damage import add, attribute, drop, put, swap
from solved_hearts import RECORD, gather, result

from polycardia.cli import main
from polycardia.errors import BadArchive, BadStudy
from polycardia.io import packed_verification
from polycardia.io.heart_file import write_heart
from polycardia.io.origin import SOLVED, Outcome
from polycardia.io.packing import pack
from polycardia.study.archive import verify

SEAL = 512  # [bytes]
FLIPS = 20


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One packed archive for all tests, for reading only."""
    folder = tmp_path_factory.mktemp("packed")
    (folder / "m.vtu").write_text("x")
    (folder / "cohort.tsv").write_text("patient\tmesh\tage\na\tm.vtu\t61\nb\tm.vtu\t\n")
    write_heart(folder / "results/hearts/a.vtkhdf", result(1), Outcome(SOLVED), RECORD)
    bad = Outcome("bad_mesh", "3 tetrahedra are flat, need 0")
    write_heart(folder / "results/hearts/b.vtkhdf", None, bad, RECORD)
    gather(folder / "results")
    packed = folder / "packed.h5"
    assert pack(folder / "results" / "cohort.h5", packed) == 2
    shutil.rmtree(folder / "results")
    return packed


@pytest.fixture
def packed(whole, tmp_path):
    """A copy that may be damaged."""
    return shutil.copy(whole, tmp_path / "packed.h5")


def seal(path):
    """Sealed again, as somebody who means to deceive would do it."""
    content = path.read_bytes()[SEAL:]
    lines = ("polycardia packed archive", "sha256 of all bytes behind the first 512:")
    text = "\n".join((*lines, hashlib.sha256(content).hexdigest(), ""))
    path.write_bytes(text.encode().ljust(SEAL, b"\0") + content)


def test_it_is_whole_and_private(whole):
    assert verify(whole) == 2
    assert whole.stat().st_mode & 0o007 == 0


def test_the_command_checks_it(whole, packed, capsys):
    assert main(["verify", str(whole)]) == 0
    assert capsys.readouterr().out == f"{whole}: 2 hearts keep the format's promises\n"
    with packed.open("ab") as file:
        file.write(b"x")
    assert main(["verify", str(packed)]) == 1
    assert capsys.readouterr().err == (
        "polycardia: packed.h5: its bytes are others than those that were sealed: "
        "it is damaged or was changed\n"
    )


def test_the_seal_can_be_checked_without_polycardia(whole):
    content = whole.read_bytes()
    assert hashlib.sha256(content[SEAL:]).hexdigest() in content[:SEAL].decode()


def test_every_flipped_byte_is_found(packed):
    """In the seal, in HDF5's own structure, in numbers, between them: anywhere."""
    random = np.random.default_rng(7)
    sound = packed.read_bytes()
    places = [0, 40, SEAL - 1, SEAL, len(sound) - 1, *random.integers(0, len(sound), FLIPS)]
    for place in map(int, places):
        flipped = bytearray(sound)
        flipped[place] ^= 1 << int(random.integers(8))
        packed.write_bytes(flipped)
        with pytest.raises(BadArchive, match=r"its bytes are others|has no seal"):
            verify(packed)
    packed.write_bytes(sound)
    assert verify(packed) == 2


def test_the_damaged_heart_is_named(packed):
    with h5py.File(packed, "r") as file:
        _, stored = file["hearts/a/VTKHDF/Points"].id.read_direct_chunk((0, 0))
    content = bytearray(packed.read_bytes())
    content[content.index(stored) + len(stored) // 2] ^= 1
    packed.write_bytes(content)
    with pytest.raises(BadArchive) as raised:
        verify(packed)
    lines = str(raised.value).splitlines()
    assert any("hearts/a differs from its digest" in line for line in lines)
    assert not any("hearts/b" in line or "the table" in line for line in lines)


CHANGES = [
    (put("hearts/a/VTKHDF/PointData/activation_time", 3, 5.0), "hearts/a differs from its digest"),
    (put("hearts/a/measures/lv_mass", (), 5.0), "hearts/a differs from its digest"),
    (attribute("hearts/b/outcome", "detail", "another"), "hearts/b differs from its digest"),
    (attribute("hearts/a/provenance", "host", "x"), "hearts/a differs from its digest"),
    (attribute("hearts/a/ecg/leads", "unit"), "hearts/a differs from its digest"),
    (lambda file: file["hearts/a"].move("ecg/electrodes", "ecg/x"), "hearts/a differs from its"),
    (lambda file: file["hearts/a"].create_group("empty"), "hearts/a differs from its digest"),
    (put("patients/age", 0, 62.0), "the table, the ECGs or what else is not a heart differ"),
    (put("ecg/leads", (0, 0, 0), 9.0), "the table, the ECGs or what else is not a heart differ"),
    (add("/", "colour", "red"), "the table, the ECGs or what else is not a heart differ"),
    (lambda file: file.create_group("more"), "the table, the ECGs or what else is not a heart"),
    (put("digests/hearts", 0, "0" * 64), "hearts/a differs from its digest"),
    (swap("digests/hearts", data=["0"]), "digests/hearts holds 1 digests of 2 hearts"),
    (drop("digests"), "has no digests"),
    (drop("hearts/b"), "hearts are others than the patients"),
    (put("patients/simulated_qrs_duration", 0, 7.0), "simulated_qrs_duration of a differs"),
    (put("hearts/a/VTKHDF/PointData/activation_time", 3, np.nan), "hearts/a: activation_time is"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "sentence"), CHANGES)
def test_a_change_that_was_sealed_again_is_found_where_it_is(packed, change, sentence):
    with h5py.File(packed, "r+") as file:
        file["hearts/a/measures"].require_dataset("lv_mass", (), "f8")
        change(file)
    seal(packed)
    with pytest.raises(BadArchive, match=sentence):
        verify(packed)


def test_a_file_that_ends_its_reader_is_told(packed, monkeypatch):
    """As HDF5's library does with some damaged files; whatever was found before is told, too."""
    crash = (
        "import os\n\ndef content_faults(path):\n    yield 'first'\n    os.kill(os.getpid(), 11)\n"
    )
    (packed.parent / "polycardia_stand_in.py").write_text(crash)
    monkeypatch.syspath_prepend(packed.parent)
    monkeypatch.setattr(packed_verification, "__name__", "polycardia_stand_in")
    with pytest.raises(BadArchive) as raised:
        verify(packed)
    assert str(raised.value).splitlines() == [
        "packed.h5: first",
        "packed.h5: what it holds cannot be read: the reading process ended with signal 11",
    ]


def test_the_digest_is_the_one_that_the_format_defines(whole):
    """Written a second time, after docs/archive-format.md."""
    total = hashlib.sha256()

    def line(*words):
        total.update(json.dumps(words).encode() + b"\n")

    def content(values):
        if values.dtype.kind in "OUS" and values.dtype.kind != "S":
            line(*(v.decode() if isinstance(v, bytes) else str(v) for v in values.flat))
        else:
            total.update(values.tobytes())

    def kind(dtype):
        return "text" if dtype.kind in "OU" else dtype.str

    def attributes(found):
        for name in sorted(found.attrs):
            value = np.asarray(found.attrs[name])
            line("attribute", name, kind(value.dtype), list(value.shape))
            content(value)

    def walk(path, found):
        if isinstance(found, h5py.Dataset):
            line("dataset", path, kind(found.dtype), list(found.shape))
            content(np.asarray(found[()]))
            attributes(found)
        else:
            line("group", path)
            attributes(found)
            for name in sorted(found):
                walk(f"{path}/{name}".lstrip("/"), found[name])

    with h5py.File(whole) as file:
        walk("", file["hearts/a"])
        assert file["digests/hearts"].asstr()[0] == total.hexdigest()


def test_hearts_out_of_the_file_are_refused(packed, tmp_path):
    write_heart(tmp_path / "hearts" / "a.vtkhdf", result(1), Outcome(SOLVED), RECORD)
    with h5py.File(packed, "r+") as file:
        del file["hearts/a"]
        file["hearts/a"] = h5py.ExternalLink("hearts/a.vtkhdf", "/")
    seal(packed)
    with pytest.raises(BadArchive, match="hearts/a is a link, expected the heart itself"):
        verify(packed)


def test_what_is_no_packed_archive_is_told(results, packed, tmp_path):
    gather(results)
    with pytest.raises(BadArchive, match="has no seal, or a damaged one"):
        verify(results / "cohort.h5")
    for size in (0, 100, SEAL, packed.stat().st_size // 2):
        os.truncate(packed, size) if size < packed.stat().st_size else None
        with pytest.raises(BadArchive, match=r"packed\.h5: (has no seal|its bytes)"):
            verify(packed)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadArchive, match="found a pipe"):
        verify(tmp_path / "pipe")


def test_a_heart_of_another_run_is_not_packed(results, tmp_path):
    gather(results)
    write_heart(results / "hearts" / "a.vtkhdf", result(7), Outcome(SOLVED), RECORD)
    with pytest.raises(BadArchive, match=r"a\.vtkhdf: is not the file that the archive was made"):
        pack(results / "cohort.h5", tmp_path / "packed.h5")
    assert not list(tmp_path.glob("*packed*"))


@pytest.mark.parametrize("output", ["cohort.h5", "hearts/a.vtkhdf", "hearts/packed.h5"])
def test_packing_over_the_archive_is_refused(results, output):
    gather(results)
    before = (results / "cohort.h5").read_bytes()
    with pytest.raises(BadStudy, match="found a file of the archive's own, expected another place"):
        pack(results / "cohort.h5", results / output)
    assert (results / "cohort.h5").read_bytes() == before


def test_a_packed_archive_is_packed_again(whole, tmp_path):
    assert pack(whole, tmp_path / "again.h5") == 2
    assert verify(tmp_path / "again.h5") == 2
    with h5py.File(whole) as one, h5py.File(tmp_path / "again.h5") as other:
        assert list(one["digests/hearts"]) == list(other["digests/hearts"])


def test_verification_does_without_the_writers():
    writers = [
        "packing",
        "archive_file",
        "heart_file",
        "view_file",
        "voltage_file",
        "atomic",
        "seal",
    ]
    code = (
        "import polycardia.io.packed_verification, sys;"
        f"print([name for name in {writers} if 'polycardia.io.' + name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr
