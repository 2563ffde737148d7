"""A sealed file tells whether it is as it was written, whatever was done to it."""

import hashlib
import json
import os
import random
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from polycardia.errors import BadArchive
from polycardia.io.seal import Damaged, require_whole, sealed_at, sealed_file

CONTENTS = {
    "heart.vtkhdf": None,
    "models.json": '{"voltage": -86.2, "states": [0.1, 0.2]}\n',
    "index.html": "<html><body>page</body></html>\n",
}


def write(path: Path) -> None:
    text = CONTENTS[path.name]
    with sealed_file(path) as part:
        if text is None:
            with h5py.File(part, "w") as file:
                file["values"] = np.arange(1000.0)
        else:
            part.write_text(text)


@pytest.fixture(params=CONTENTS)
def sealed(request, tmp_path) -> Path:
    path: Path = tmp_path / request.param
    write(path)
    return path


def test_a_file_is_whole_and_its_readers_do_not_mind(sealed):
    assert require_whole(sealed) == hashlib.sha256(sealed.read_bytes()).hexdigest()
    if sealed.suffix == ".vtkhdf":
        with h5py.File(sealed) as file:
            np.testing.assert_array_equal(file["values"][()], np.arange(1000.0))
    elif sealed.suffix == ".json":
        assert json.loads(sealed.read_text())["states"] == [0.1, 0.2]
    else:
        page = sealed.read_text()
        assert page.startswith("<html><body>page</body>")
        assert page.endswith(" -->\n</html>\n")


def test_every_byte_that_changed_is_found(sealed):
    whole = sealed.read_bytes()
    seal = whole.rindex(b"polycardia sha256")
    time = range(seal + 18 + 64 + 1, seal + 18 + 64 + 1 + 19)  # a wrong one costs a look, no more
    places = {*random.Random(1).sample(range(seal), 20), *range(seal, len(whole)), 0}
    for place in places - set(time):
        changed = bytearray(whole)
        changed[place] ^= 0x10
        sealed.write_bytes(changed)
        with pytest.raises(Damaged, match=r"cut off or damaged|bytes are others"):
            require_whole(sealed)


@pytest.mark.parametrize("filled", [False, True], ids=["cut off", "as long, but empty"])
def test_every_length_that_was_cut_off_is_found(sealed, filled):
    whole = sealed.read_bytes()
    for length in {*range(0, len(whole), 97), *range(len(whole) - 120, len(whole))}:
        sealed.write_bytes(whole[:length] + bytes(len(whole) - length if filled else 0))
        with pytest.raises(Damaged, match=r"cut off or damaged|bytes are others"):
            require_whole(sealed)


def test_what_follows_the_seal_counts(sealed):
    with sealed.open("ab") as file:
        file.write(b"x")
    with pytest.raises(Damaged, match="bytes are others"):
        require_whole(sealed)
    with sealed.open("ab") as file:
        file.write(bytes(1000))
    with pytest.raises(Damaged, match="has no seal at its end"):
        require_whole(sealed)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(BadArchive, match="none: No such file or directory"):
        require_whole(tmp_path / "none")


def test_a_file_that_was_touched_has_to_be_read_to_know(tmp_path):
    path = tmp_path / "heart.vtkhdf"
    write(path)
    assert sealed_at(path) == path.stat().st_mtime_ns
    copy = tmp_path / "copy.vtkhdf"
    shutil.copy2(path, copy)
    assert sealed_at(copy) == copy.stat().st_mtime_ns
    os.utime(copy)
    assert sealed_at(copy) < copy.stat().st_mtime_ns
    assert require_whole(copy)
    assert sealed_at(tmp_path / "none") == 0


def test_small_files_whose_bytes_count_are_the_same_whenever_they_are_written(tmp_path):
    first, second = tmp_path / "a" / "models.json", tmp_path / "b" / "models.json"
    write(first)
    write(second)
    assert first.read_bytes() == second.read_bytes()
    assert sealed_at(first) == 0


def test_a_page_that_ends_otherwise_is_a_mistake(tmp_path):
    with (
        pytest.raises(ValueError, match="ends otherwise"),
        sealed_file(tmp_path / "x.html") as part,
    ):
        part.write_text("<html><body>")
    assert list(tmp_path.iterdir()) == []
