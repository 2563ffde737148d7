import io
from pathlib import Path

import pytest
from PIL import Image

from polycardia.io import kept_pictures
from polycardia.io.kept_pictures import Subject, drawn_or_kept
from polycardia.io.pictures import VIEWS, Drawing, Picture


def png(shade):
    """A picture of its own for every shade, with noise enough to be damaged in its middle."""
    image = Image.effect_noise((32, 32), 50 + shade)
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


@pytest.fixture
def drawn(monkeypatch):
    """Names of the hearts that were drawn, call by call; heart x.vtkhdf cannot be."""
    calls = []

    def draw(hearts, *, range_ms):
        calls.append([heart.stem for heart in hearts])
        pictures = tuple(Picture(caption, png(len(calls))) for caption in VIEWS.values())
        return [
            Drawing((), "no mesh") if heart.stem == "x" else Drawing(pictures) for heart in hearts
        ]

    monkeypatch.setattr(kept_pictures, "draw_hearts", draw)
    return calls


def take(folder, *hearts, latest=95.0):
    """Take drawings of hearts given by their digests: a1 and a2 are two states of heart a."""
    subjects = [Subject(Path(f"{digest[0]}.vtkhdf"), digest) for digest in hearts]
    return drawn_or_kept(subjects, range_ms=(0.0, latest), folder=folder)


def test_only_hearts_that_have_changed_are_drawn_again(drawn, tmp_path):
    first = take(tmp_path, "a1", "b1", "c1")
    assert take(tmp_path, "a1", "b1", "c1") == first
    changed = take(tmp_path, "a1", "b2", "c1")
    assert drawn == [["a", "b", "c"], [], ["b"]]
    assert changed[0] == first[0]
    assert changed[1] != first[1]
    assert changed[2] == first[2]


def test_colours_that_stay_the_same_draw_nothing(drawn, tmp_path):
    take(tmp_path, "a1", latest=95.0)
    take(tmp_path, "a1", latest=91.0)  # in the same bands of 10 ms
    take(tmp_path, "a1", latest=101.0)
    assert drawn == [["a"], [], ["a"]]


def test_what_the_page_does_not_show_any_more_is_not_kept(drawn, tmp_path):
    take(tmp_path, "a1", "b1")
    take(tmp_path, "b1")
    assert len(list(tmp_path.iterdir())) == len(VIEWS)
    take(tmp_path, "a1", "b1")
    assert drawn[-1] == ["a"]


@pytest.mark.parametrize("damage", ["missing", "truncated", "a byte"])
def test_damaged_pictures_are_drawn_again(drawn, tmp_path, damage):
    take(tmp_path, "a1", "b1")
    file = sorted(tmp_path.iterdir())[1]
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(content if damage == "a byte" else content[: len(content) // 2])
    again = take(tmp_path, "a1", "b1")
    assert len(drawn[-1]) == 1
    assert all(drawing.pictures for drawing in again)


def test_hearts_that_cannot_be_drawn_are_tried_each_time(drawn, tmp_path):
    assert [drawing.reason for drawing in take(tmp_path, "x1", "a1")] == ["no mesh", ""]
    assert [drawing.reason for drawing in take(tmp_path, "x1", "a1")] == ["no mesh", ""]
    assert drawn == [["x", "a"], ["x"]]


def test_a_folder_that_cannot_be_written_costs_no_picture(drawn, tmp_path):
    closed = tmp_path / "closed"
    closed.touch()
    assert all(drawing.pictures for drawing in take(closed, "a1", "b1"))
    assert drawn == [["a", "b"]]
