"""Result files that are opened: what is none is told."""

import os

import pytest

from polycardia.cli import main
from polycardia.errors import BadArchive, BadMesh
from polycardia.io.columns import read_lines
from polycardia.io.foreign import read_foreign
from polycardia.io.reading import OpenFile, opened, reading


@pytest.mark.timeout(30)
@pytest.mark.parametrize("reader", [opened, OpenFile, lambda path: reading(path).__enter__()])
def test_a_pipe_is_no_result_file(tmp_path, reader):
    pipe = tmp_path / "cohort.h5"
    os.mkfifo(pipe)
    with pytest.raises(BadArchive, match=r"cohort\.h5: found a pipe, .* expected an ordinary file"):
        reader(pipe)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("reader", [read_lines, read_foreign])
def test_a_pipe_is_no_mesh(tmp_path, reader):
    pipe = tmp_path / "heart.vtu"
    os.mkfifo(pipe)
    with pytest.raises(BadMesh, match=r"^heart\.vtu: found a pipe, .* expected an ordinary file"):
        reader(pipe)


@pytest.mark.timeout(30)
def test_a_pipe_is_not_packed(tmp_path, capsys):
    pipe = tmp_path / "cohort.h5"
    os.mkfifo(pipe)
    assert main(["pack", str(pipe), str(tmp_path / "packed.h5")]) == 1
    assert capsys.readouterr().err.startswith(f"polycardia: {pipe}: found a pipe")
    assert list(tmp_path.iterdir()) == [pipe]


@pytest.mark.parametrize(
    ("name", "reason"), [("none.h5", "No such file or directory"), ("folder", "Is a directory")]
)
def test_what_is_missing_or_a_folder_is_told_as_before(tmp_path, name, reason):
    (tmp_path / "folder").mkdir()
    with pytest.raises(BadArchive, match=f"{name}: {reason}"):
        opened(tmp_path / name)
