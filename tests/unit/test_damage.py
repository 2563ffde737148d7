"""Which damaged files a plan finds, what it costs, and what becomes of them."""

import os
from pathlib import Path

import pytest

from polycardia.errors import BadStudy
from polycardia.io.cell_state import CellState, read_cell_state, write_with_copy
from polycardia.io.seal import Damaged, sealed_file
from polycardia.study import damage
from polycardia.study.damage import (
    all_damaged,
    damaged_suspects,
    require_whole_input,
    set_aside,
)

SHARDS = {"0": ["a", "b"], "1": ["c"]}
# In the order in which they are made.
MADE = (
    "models/copies/midwall.json",
    "models/midwall.json",
    *(f"work/{patient}/prepared.h5" for patient in "abc"),
    *(f"hearts/{patient}{kind}.vtkhdf" for patient in "abc" for kind in (".voltage", "")),
    *("shards/0.h5", "shards/1.h5", "cohort.h5", "report/index.html", "report/run.html"),
)
ENDS = {".json": "{}\n", ".html": "</html>\n"}


@pytest.fixture
def results(tmp_path) -> Path:
    for number, place in enumerate(MADE, start=1):
        with sealed_file(tmp_path / place) as part:
            part.write_text(1000 * "x" + ENDS.get(part.parent.joinpath(place).suffix, ""))
        os.utime(tmp_path / place, ns=(number * 10**9, number * 10**9))
    return tmp_path


def flip(path: Path, *, keep_time: bool = False) -> None:
    before, content = path.stat().st_mtime_ns, bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    if keep_time:
        os.utime(path, ns=(before, before))


def found(results: Path) -> list[str]:
    return [
        str(one.path.relative_to(results))
        for one in damaged_suspects(results, SHARDS, voltages=True)
    ]


def test_nothing_is_found_where_nothing_is_damaged(results):
    assert found(results) == []
    assert list(all_damaged(results)) == []
    assert list(damaged_suspects(results / "none", SHARDS, voltages=True)) == []


@pytest.mark.parametrize("place", MADE)
def test_a_file_that_was_written_to_is_found_and_no_other(results, place):
    flip(results / place)
    assert found(results) == [place]


@pytest.mark.parametrize("place", MADE)
def test_a_file_of_which_nothing_was_made_yet_is_found_whatever_its_time(results, place):
    for later in MADE[MADE.index(place) + 1 :]:
        (results / later).unlink()
    flip(results / place, keep_time=True)
    # A voltage without its heart is written anew with it.
    assert found(results) == ([] if "voltage" in place else [place])


@pytest.mark.parametrize("place", MADE)
def test_bytes_that_changed_without_a_trace_are_found_by_reading_all(results, place):
    flip(results / place, keep_time=True)
    (one,) = all_damaged(results)
    assert one.path == results / place
    assert one.sentence == f"{results / place}: its bytes are others than those that were written"


def test_a_finished_cohort_is_not_opened_heart_by_heart(results, monkeypatch):
    opened = []
    monkeypatch.setattr(
        damage, "sealed_at", lambda path: opened.append(path.name) or path.stat().st_mtime_ns
    )
    assert found(results) == []
    assert sorted(opened) == [
        *("cohort.h5", "index.html", "midwall.json", "midwall.json", "run.html")
    ]


def test_what_is_made_of_a_damaged_file_does_not_hide_it(results):
    """Neither by being damaged itself, nor by being touched, later than the other."""
    flip(results / "hearts" / "a.vtkhdf")
    flip(results / "shards" / "0.h5")
    flip(results / "shards" / "1.h5")
    os.utime(results / "cohort.h5")
    assert set(found(results)) == {"hearts/a.vtkhdf", "shards/0.h5", "shards/1.h5"}


def test_what_was_touched_and_is_whole_stays(results):
    for place in MADE:
        os.utime(results / place)
    assert found(results) == []


def test_a_job_that_meets_damage_says_so_and_has_the_next_plan_find_it(results):
    heart = results / "hearts" / "b.vtkhdf"
    assert require_whole_input(heart)
    flip(heart, keep_time=True)
    assert found(results) == []
    with pytest.raises(Damaged, match=r"are others than .* written; the next run makes it again"):
        require_whole_input(heart)
    assert found(results) == ["hearts/b.vtkhdf"]


def test_a_damaged_file_is_renamed_and_nothing_else(results):
    before = sorted(results.rglob("*"))
    assert (
        set_aside(results / "shards/1.h5")
        == f"renamed to {results}/shards/1.h5.damaged, to be made again"
    )
    assert not (results / "shards/1.h5").exists()
    assert len(sorted(results.rglob("*"))) == len(before)
    assert found(results) == []


def test_a_voltage_goes_with_its_heart(results):
    set_aside(results / "hearts" / "b.voltage.vtkhdf")
    left = sorted(path.name for path in (results / "hearts").glob("b.*"))
    assert left == ["b.voltage.vtkhdf.damaged", "b.vtkhdf.damaged"]


def test_a_voltage_never_leaves_its_heart_behind(results, monkeypatch):
    """As where the process is killed between the two."""
    renamed = []

    def once(path: Path, aside: Path) -> None:
        if renamed:
            raise KeyboardInterrupt
        renamed.append(path.name)
        os.replace(path, aside)

    monkeypatch.setattr(Path, "replace", once)
    with pytest.raises(KeyboardInterrupt):
        set_aside(results / "hearts" / "b.voltage.vtkhdf")
    assert renamed == ["b.vtkhdf"]


def test_a_cell_state_comes_back_from_its_copy(tmp_path):
    path = tmp_path / "models" / "midwall.json"
    state = CellState(
        "{}", "ab", -86.2, [0.1], ["m"], "as_asked", 1, [300.0], 30.0, 90.0, "", 0.0, {}
    )
    write_with_copy(path, state)
    whole, time = path.read_bytes(), path.with_name("copies") / path.name
    flip(path)
    assert set_aside(path) == f"renamed to {path}.damaged, restored from its copy"
    assert path.read_bytes() == whole
    assert path.stat().st_mtime_ns == time.stat().st_mtime_ns  # no younger than what is made of it
    assert read_cell_state(path) == state
    flip(copy := path.with_name("copies") / path.name)
    assert set_aside(copy) == f"renamed to {copy}.damaged, restored from its copy"
    assert copy.read_bytes() == whole
    flip(path)
    flip(copy)
    assert set_aside(path) == f"renamed to {path}.damaged, to be made again"
    assert not path.exists()
    with pytest.raises(BadStudy, match="cannot be set aside: No such file"):
        set_aside(path)
