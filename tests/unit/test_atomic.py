"""Files that are whole or not there: what cannot be written is told in one sentence."""

import h5py
import pytest

from polycardia.cli import main
from polycardia.errors import BadStudy
from polycardia.io.atomic import require_writable, whole_file


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
