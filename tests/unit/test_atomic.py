"""Files that are whole or not there: what cannot be written is told in one sentence."""

import os
import subprocess
import sys
import time

import h5py
import pytest

from polycardia.cli import main
from polycardia.errors import BadStudy, MachineTrouble
from polycardia.io.atomic import ABANDONED_AFTER, require_writable, whole_file


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (300 * "x", "File name too long"),
        (250 * "x", "File name too long"),  # only the part file's is
        (f"{300 * 'x'}/y", "File name too long"),
        ("folder", "it is a folder"),
    ],
)
def test_what_cannot_be_written(tmp_path, name, reason):
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadStudy, match=f"cannot be written: {reason}"), whole_file(tmp_path / name):
        pytest.fail("wrote")
    with pytest.raises(BadStudy, match=f"cannot be written: {reason}"):
        require_writable(tmp_path / name)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_asking_whether_a_file_can_be_written_leaves_nothing(tmp_path):
    (tmp_path / "old").write_text("kept")
    require_writable(tmp_path / "old")
    require_writable(tmp_path / "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text() == "kept"


def test_an_output_of_too_long_a_name_is_told_in_a_sentence(tmp_path, capsys):
    archive, output = tmp_path / "cohort.h5", tmp_path / (300 * "x")
    h5py.File(archive, "w").close()
    assert main(["pack", str(archive), str(output)]) == 1
    said = capsys.readouterr().err
    assert said == f"polycardia: {output} cannot be written: File name too long\n"


WRITES = """
import sys, time
from pathlib import Path
from polycardia.io.atomic import whole_file
with whole_file(Path(sys.argv[1])) as part:
    part.write_text("from the other")
    print(flush=True)
    sys.stdin.read()
"""


def test_of_two_that_write_at_once_neither_harms_the_other(tmp_path):
    path = tmp_path / "heart.vtkhdf"
    with subprocess.Popen(
        [sys.executable, "-c", WRITES, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout
        other.stdout.readline()
        with whole_file(path) as part:
            part.write_text("mine")
        assert path.read_text() == "mine"
        assert len(list(tmp_path.iterdir())) == 2
        other.communicate(timeout=30)
    assert other.returncode == 0
    assert path.read_text() == "from the other"
    assert list(tmp_path.iterdir()) == [path]


def test_what_another_machine_left_goes_when_it_is_old(tmp_path):
    path = tmp_path / "heart.vtkhdf"
    old, young = (tmp_path / f".heart.vtkhdf.node{number}.7.part" for number in (1, 2))
    old.touch()
    young.touch()
    then = time.time() - ABANDONED_AFTER - 60.0
    os.utime(old, (then, then))
    with whole_file(path) as part:
        part.write_text("x")
    assert sorted(tmp_path.iterdir()) == [young, path]


@pytest.mark.parametrize(
    "raised",
    [
        OSError(28, "No space left on device"),
        RuntimeError("Can't decrement id ref count (file write failed: errno = 28)"),
        OSError("Can't write data (errno = 122, error message = 'Disk quota exceeded')"),
    ],
)
def test_a_full_disk_is_told_in_a_sentence(tmp_path, raised):
    with (
        pytest.raises(MachineTrouble, match=r"x cannot be written: (No space left|Disk quota)"),
        whole_file(tmp_path / "x"),
    ):
        raise raised
    assert list(tmp_path.iterdir()) == []
