import base64
import hashlib
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest

from polycardia.report import page
from polycardia.report.content import CohortReport, PatientReport, Setting

HOSTILE = "<img src=x onerror=alert(1)></script>\"'`{{ 7*7 }}&amp;"
PNG = b"\x89PNG not a picture"


def ecg(n=200):
    t = np.arange(n)
    return np.array([np.sin(t / (9.0 + lead)) for lead in range(12)], np.float32)


def cohort(*patients, **fields):
    fields = {
        "title": "Demo",
        "generated": datetime(2026, 3, 5, 14, 2, tzinfo=UTC),
        "settings": {"dt": Setting(0.05, "ms", "time step"), "tissue": {"chi": 140.0}},
    } | fields
    return CohortReport(patients=patients, **fields)


def solved(name, **fields):
    fields = {"measures": {"qrs_duration": (91.25, "ms")}, "ecg": ecg()} | fields
    return PatientReport(name, "solved", **fields)


class Reader(HTMLParser):
    """What a browser would see: elements with attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.words, self.raw = [], [], []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        (self.raw if self._inside in ("script", "style") else self.words).append(data)

    def all(self, tag, **wanted):
        return [a for t, a in self.elements if t == tag and wanted.items() <= a.items()]

    @property
    def text(self):
        return " ".join("".join(self.words).split())


def read(*patients, **fields):
    return Reader(page.render(cohort(*patients, **fields)))


def test_page_shows_outcomes_measures_and_sentences():
    seen = read(
        solved("a"),
        solved("b", clinical={"sex": "F", "age": 40}),
        PatientReport("c", "bad_mesh", "cell 7 is inverted, none may be."),
    )
    assert "3 hearts 2 solved 1 bad mesh" in seen.text
    assert "cell 7 is inverted, none may be." in seen.text
    assert "5 March 2026, 14:02 UTC" in seen.text
    assert seen.text.count("91.2") == 2 + 2 + 2  # rows, headlines, medians of the plot's groups
    assert "0.05\N{NO-BREAK SPACE}ms time step" in " ".join("".join(seen.words).split(" "))
    assert "140" in seen.text


def test_under_resolved_hearts_are_named_and_counted():
    measures = {"qrs_duration": (91.25, "ms"), "under_resolved": (1.0, "1")}
    coarse = solved("p1", measures=measures)
    fine = solved("p2", measures=measures | {"under_resolved": (0.0, "1")})
    seen = read(coarse, fine)
    assert len(seen.all("span", **{"class": "badge doubtful"})) == 2  # in the table and its part
    assert len(seen.all("li", **{"class": "doubtful"})) == 1
    assert "1 under-resolved" in " ".join(seen.text.split())
    assert "Under resolved" not in seen.text  # a column of its own would say it twice
    assert not read(fine).all("li", **{"class": "doubtful"})


def page_full_of(value):
    heart = solved(
        value,
        detail=value,
        clinical={value: value},
        measures={value: (1.0, value), "qrs_duration": (90.0, value)},
        pictures=[SimpleNamespace(caption=value, png=PNG)],
    )
    reasoned = solved(value, no_pictures=value)
    failed = PatientReport(value, value, value)
    settings = {value: Setting(value, value, value), "s": {value: value}}
    named = {"title": value, "version": value, "clinical_units": {value: value}}
    return read(heart, reasoned, failed, settings=settings, activation_range=(0.0, 90.0), **named)


def test_hostile_values_stay_text():
    harmless, seen = page_full_of("harmless"), page_full_of(HOSTILE)
    assert [tag for tag, _ in seen.elements] == [tag for tag, _ in harmless.elements]
    assert [sorted(a) for _, a in seen.elements] == [sorted(a) for _, a in harmless.elements]
    assert all(image["src"].startswith("data:image/png;base64,") for image in seen.all("img"))
    assert seen.raw == harmless.raw  # nothing reaches the script or the style
    shown = " ".join(HOSTILE.split())
    assert seen.text.count(shown) >= harmless.text.count("harmless")
    assert seen.text.count(shown) > 15


def test_page_fetches_nothing():
    text = page.render(
        cohort(
            solved("a", pictures=[SimpleNamespace(caption="x", png=PNG)]),
            activation_range=(0.0, 90.0),
        )
    )
    assert not re.search(r"(https?:)?//[\w.]+\.\w", re.sub(r"data:image/png;base64,\S+", "", text))
    assert not re.search(r"url\((?!#)|@import|<link|<iframe", text)
    (policy,) = Reader(text).all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert "default-src 'none'" in policy["content"]
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy["content"]


def test_same_input_same_page():
    assert page.render(cohort(solved("a"))) == page.render(cohort(solved("a")))


def test_pictures_are_inline_and_described():
    seen = read(
        solved("a", pictures=[SimpleNamespace(caption="Anterior", png=PNG)]),
        activation_range=(3.0, 87.0),
    )
    (image,) = seen.all("img")
    assert base64.b64decode(image["src"].partition(",")[2]) == PNG
    assert image["loading"] == "lazy"
    assert image["alt"] == "Activation of a. Anterior"
    assert "0 to 90 ms" in next(a["aria-label"] for a in seen.all("svg") if "Colour" in str(a))


def test_ecg_is_drawn_in_millimetres():
    drawings = [a for a in read(solved("a")).all("svg") if "ECG" in a.get("aria-label", "")]
    (drawing,) = drawings
    _, _, width, height = map(float, drawing["viewbox"].split())
    assert (drawing["width"], drawing["height"]) == (f"{width:g}mm", f"{height:g}mm")


def test_links_lead_to_hearts_that_are_there():
    seen = read(solved("a"), PatientReport("b", "bad_mesh", "why"), solved("c"))
    targets = {a["id"] for _, a in seen.elements if "id" in a}
    links = {a["href"].removeprefix("#") for a in seen.all("a")}
    assert links <= targets
    assert len([link for link in links if link.startswith("heart-")]) == 2


def test_drawings_are_bounded_and_the_bound_is_said():
    seen = read(*(solved(f"p{i}") for i in range(5)), ecgs=2)
    assert [part["aria-labelledby"] for part in seen.all("article")] == ["name-1", "name-2"]
    assert len(seen.all("tr")) == 2 + 5
    assert "ECGs are drawn for 2 hearts, the first of the table (report.ecgs)," in seen.text
    pictured = [solved("a", pictures=[SimpleNamespace(caption="x", png=PNG)]), solved("b")]
    seen = read(*pictured, activation_range=(0.0, 90.0))
    assert "Pictures are drawn for 1 of 2 solved hearts, the first of the table" in seen.text


def test_patients_who_are_named_are_drawn_before_others():
    seen = read(*(solved(f"p{i}") for i in range(5)), ecgs=2, wanted=["p3", "not here"])
    assert [part["aria-labelledby"] for part in seen.all("article")] == ["name-1", "name-4"]
    assert "the first of the table after those named (report.ecgs, report.patients)" in seen.text


def test_a_common_reason_for_no_pictures_is_said_once():
    text = read(*(solved(f"p{i}", no_pictures="no OpenGL") for i in range(3))).text
    assert text.count("no OpenGL") == 1
    text = read(solved("a", no_pictures="no OpenGL"), solved("b", no_pictures="broken")).text
    assert "no OpenGL" in text
    assert "broken" in text


@pytest.mark.parametrize(
    "patients", [(), (PatientReport("a", "bad_mesh", "why"),), (PatientReport("a", "solved"),)]
)
def test_empty_states_are_pages(patients):
    seen = read(*patients, settings={})
    assert "were not recorded" in seen.text
    assert not seen.all("article")


def test_every_column_head_can_be_sorted_by_keyboard():
    seen = read(solved("a", clinical={"age": 40}))
    heads = [a for a in seen.all("th") if "aria-sort" in a]
    assert [a["data-column"] for a in heads] == ["0", "1", "2", "3"]
    assert len(heads) == len(
        re.findall(
            r"<th[^>]*aria-sort[^>]*><button",
            page.render(cohort(solved("a", clinical={"age": 40}))),
        )
    )


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_a_browser_sorts_filters_and_does_not_scroll_sideways(tmp_path):
    patients = [
        solved(f"p{i}", measures={"qrs_duration": (value, "ms")})
        for i, value in enumerate([9.5, 101.0, float("nan"), 88.25])
    ]
    text = page.render(cohort(*patients, PatientReport("x", "bad_mesh", "cell 7")))
    probe = """<script>
      const ids = () => [...document.querySelectorAll("tbody tr")]
        .filter((row) => !row.hidden).map((row) => row.cells[0].textContent);
      const head = document.querySelector('th[data-column="2"]');
      const found = { wide: document.documentElement.scrollWidth > innerWidth };
      head.firstElementChild.click(); found.up = [head.ariaSort, ...ids()];
      head.firstElementChild.click(); found.down = [head.ariaSort, ...ids()];
      const filter = document.querySelector("#filter");
      filter.value = "Cell 7"; filter.dispatchEvent(new Event("input")); found.filtered = ids();
      document.body.textContent = "@" + JSON.stringify(found) + "@";
    </script></body>"""
    inner = re.sub(r'<meta http-equiv="Content-Security[^>]*>', "", text).replace("</body>", probe)
    (tmp_path / "page.html").write_text(inner, encoding="utf-8")
    finished = subprocess.run(
        [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}"),
            *("--window-size=500,900", "--dump-dom", (tmp_path / "page.html").as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = json.loads(re.search(r"@(\{.*?\})@", finished.stdout)[1])
    assert found == {
        "wide": False,
        "up": ["ascending", "p0", "p3", "p1", "p2", "x"],
        "down": ["descending", "p1", "p3", "p0", "p2", "x"],
        "filtered": ["x"],
    }
