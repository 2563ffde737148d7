"""The page of a run, as a browser would read it."""

import math
import re
from html.parser import HTMLParser

import pytest
from heart_costs import cost

from polycardia.report.run_page import progress
from polycardia.report.wording import NOTHING
from polycardia.study.heart_states import HeartState
from polycardia.study.run_page import write_run_page

NOW = 1.7e9
HOSTILE = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Rows of the table, the words, and what stands in attributes."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.words, self.tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_data(self, data):
        self.words.append(data)
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip()

    def column(self, label):
        heads = next(row for row in self.rows if row and row[0] == "Patient")
        at = next(i for i, head in enumerate(heads) if head.startswith(label))
        return {row[0]: row[at] for row in self.rows if len(row) > at and row[0] != "Patient"}

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def page(tmp_path):
    def read(states, **settings):
        output = tmp_path / "run.html"
        write_run_page(states, NOW, output, title="Demo", **settings)
        return Reader(output.read_text())

    return read


def solved(ended=NOW, **known):
    return HeartState("solved", "", 1.0, 80.0, ended, cost(**known))


STATES = {
    "a": solved(NOW - 7200.0, energy=3600.0),
    "b": solved(NOW - 3600.0, cost_reaction=40.0, seconds=80.0),
    "c": HeartState("failed", f"bad_mesh: {HOSTILE}", 1.0, 10.0, NOW - 60.0),
    "d": HeartState("running", fraction=0.25, seconds=20.0),
    "e": HeartState("waiting"),
}


def test_hearts_with_what_they_cost(page):
    seen = page(STATES)
    assert "5 hearts 2 solved 1 failed 1 running 1 waiting" in seen.text
    assert seen.column("Core hours")["a"] == "0.0389"  # (20 + 2 60) / 3600
    assert seen.column("Computing") == {"a": "66.7", "b": "75.0", **dict.fromkeys("cde", NOTHING)}
    assert seen.column("Waiting for ranks")["a"] == "10.0"
    assert seen.column("Energy")["a"] == "1"
    assert seen.column("State")["d"] == "running25% of the beat"
    assert seen.column("Host")["b"] == "node1"


def test_energy_that_nobody_measures_has_no_column(page):
    seen = page({"b": STATES["b"]})
    assert not any(head.startswith("Energy") for row in seen.rows for head in row)


def test_rate_slowest_and_memory_are_told(page):
    text = page(STATES).text
    assert "1 solved in the last hour; about" not in text  # a and b were earlier
    assert "0 solved in the last hour" in text
    assert "Slowest: a 1 min, b 1 min" in text
    assert "Memory: half of the beats hold" in text


def test_core_hours_add_up_by_what_they_went_into(page):
    text = page({"a": solved()}).text
    shares = dict(re.findall(r"(preparation|reaction|halo|writing) [0-9.]+ h, ([0-9]+) %", text))
    # Of 140 core-seconds: 20 prepare, twice 20 react, twice 5 wait, twice 10 start and write.
    assert shares == {"preparation": "14", "reaction": "29", "halo": "7", "writing": "14"}


def test_what_files_say_is_text(page):
    seen = page(STATES)
    assert HOSTILE in seen.column("State")["c"]
    assert sum(tag == "script" for tag, _ in seen.tags) == 1


def test_a_browser_loads_it_again_until_all_have_an_answer(page):
    def refreshed(seen):
        return [
            a["content"]
            for t, a in seen.tags
            if t == "meta" and "content" in a and a.get("http-equiv") == "refresh"
        ]

    assert refreshed(page(STATES, refresh=30)) == ["30"]
    assert refreshed(page(STATES)) == []
    assert refreshed(page({"a": STATES["a"]}, refresh=30)) == []


@pytest.mark.parametrize("states", [{}, {"e": STATES["e"]}, {"a": STATES["a"]}, {"c": STATES["c"]}])
def test_little_to_show_is_a_page_all_the_same(page, states):
    seen = page(states)
    assert f"{len(states)} heart" in seen.text


def test_the_curve_climbs_a_step_at_each_answer():
    curve = progress([NOW + 3600.0 * hour for hour in (2.0, 0.0, 1.0, 1.0)])
    moves = re.findall(r"H([0-9.]+)V([0-9.]+)", curve.path)
    x, y = ([float(move[i]) for move in moves] for i in (0, 1))
    assert len(moves) == 4
    assert x == sorted(x)
    assert y == sorted(y, reverse=True)
    assert x[1] == x[2]
    places = {text: place for place, text in curve.across}
    assert (x[0], x[1], x[3]) == (places["0"], places["1"], places["2"])
    heights = {text: place for place, text in curve.up}
    assert (y[0], y[3]) == (heights["1"], heights["4"])


def test_one_answer_is_no_curve():
    assert progress([NOW]) is None
    assert math.isnan(HeartState("waiting").ended)
