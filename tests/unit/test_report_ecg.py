import re

import numpy as np
import pytest

from polycardia.physics.leads import LEADS
from polycardia.report.ecg import lay_out, simplified


def beat(n=501, dt=1.0, gain=1.0):
    """Twelve different leads [mV] with a narrow QRS and a T wave."""
    t = np.arange(n) * dt
    lead = np.arange(12)[:, None]
    qrs = np.exp(-(((t - 60.0 - lead) / 8.0) ** 2)) * (lead - 5) * 0.3
    return (gain * (qrs + 0.2 * np.exp(-(((t - 320.0) / 40.0) ** 2)))).astype(np.float32)


def read_back(trace):
    """Points of a path as an SVG reader sees them: (x, y) [mm] from the top left of the sheet."""
    absolute, relative = re.fullmatch(r"M([\d -]+)l(.*)", trace.path).groups()
    numbers = [int(word) for word in re.findall(r"-?\d+", relative)]
    steps = np.array([[int(w) for w in re.findall(r"-?\d+", absolute)], *_pairs(numbers)])
    return np.cumsum(steps, axis=0) / 100.0 + [trace.x, trace.baseline]


def _pairs(numbers):
    return [numbers[i : i + 2] for i in range(0, len(numbers), 2)]


@pytest.mark.parametrize("dt", [0.5, 1.0, 2.0])
def test_paper_shows_the_samples_at_25_mm_per_s_and_10_mm_per_mv(dt):
    leads = beat(n=301, dt=dt)
    sheet = lay_out(leads, dt)
    assert {trace.name for trace in sheet.traces} == set(LEADS)
    for trace in sheet.traces:
        drawn = read_back(trace) - [trace.x, trace.baseline]  # [mm]
        expected = np.stack(
            [np.arange(301) * dt * 0.025, -10.0 * leads[LEADS.index(trace.name)]], axis=1
        )
        assert distance(expected, drawn) < 0.04  # simplified to 0.03 mm, written in 0.01 mm
        assert drawn[-1, 0] == pytest.approx(300 * dt * 0.025, abs=0.01)


def distance(points, polyline):
    """Largest distance of points from a polyline."""
    start, way = polyline[:-1], np.diff(polyline, axis=0)
    offset = points[:, None] - start
    along = np.clip((offset * way).sum(axis=2) / (way**2).sum(axis=1), 0.0, 1.0)
    return np.linalg.norm(offset - along[..., None] * way, axis=2).min(axis=1).max()


def test_leads_stand_where_a_clinical_printout_has_them():
    sheet = lay_out(beat(), 1.0)
    place = {trace.name: (trace.baseline, trace.x) for trace in sheet.traces}
    rows = sorted({baseline for baseline, _ in place.values()})
    columns = sorted({x for _, x in place.values()})
    grid = [[name for x in columns for name in place if place[name] == (y, x)] for y in rows]
    assert grid == [
        ["I", "aVR", "V1", "V4"],
        ["II", "aVL", "V2", "V5"],
        ["III", "aVF", "V3", "V6"],
    ]


@pytest.mark.parametrize("gain", [0.1, 1.0, 3.0, 50.0])
def test_no_trace_leaves_its_cell(gain):
    sheet = lay_out(beat(gain=gain), 1.0)
    extent = {trace.name: read_back(trace) for trace in sheet.traces}
    rows = sorted({trace.baseline for trace in sheet.traces})
    lowest = -np.inf
    for baseline in rows:
        row = [trace for trace in sheet.traces if trace.baseline == baseline]
        row.sort(key=lambda trace: trace.x)
        label_y = row[0].label_y
        assert min(extent[trace.name][:, 1].min() for trace in row) > label_y
        assert label_y - 3.0 > lowest  # a name's letters are 3 mm high at most
        lowest = max(extent[trace.name][:, 1].max() for trace in row)
        for left, right in zip(row, [*row[1:], None], strict=True):
            end = sheet.width if right is None else right.x
            assert extent[left.name][:, 0].max() < end
    assert lowest < sheet.height - 4.0  # above the line that says the speed


def test_baselines_and_columns_lie_on_lines_of_the_paper():
    sheet = lay_out(beat(), 1.0)
    lines = [value for trace in sheet.traces for value in (trace.x, trace.baseline)]
    assert np.remainder([*lines, sheet.width, sheet.height], 5.0).max() == 0.0


def test_calibration_pulse_is_1_mv_and_200_ms():
    sheet = lay_out(beat(), 1.0)
    assert len(sheet.pulses) == 3
    for pulse in sheet.pulses:
        up, width, down = re.fullmatch(r"M\S+ \S+H2\.5v(-10)H(7\.5)v(10)H8\.5", pulse).groups()
        assert (float(up), float(width) - 2.5, float(down)) == (-10.0, 5.0, 10.0)


def test_what_does_not_fit_is_cut_and_named():
    leads = np.zeros((12, 200), np.float32)
    leads[LEADS.index("V2"), 50:60] = -4.0
    assert lay_out(leads, 1.0).warnings == ("Cut off at 3.5 mV from the baseline: V2.",)
    leads[LEADS.index("V2"), 50:60] = -3.4
    assert lay_out(leads, 1.0).warnings == ()


def test_the_tallest_sheet_fits_on_a_printed_page():
    assert lay_out(beat(gain=100.0), 1.0).height <= 273.0 - 25.0  # A4 less margins and title


def test_a_lead_that_is_not_finite_is_named_and_not_drawn():
    leads = beat()
    leads[LEADS.index("aVL"), 7] = np.nan
    sheet = lay_out(leads, 1.0)
    assert {trace.name for trace in sheet.traces} == set(LEADS) - {"aVL"}
    assert "aVL" in sheet.warnings[0]


def test_simplification_keeps_its_tolerance_and_drops_what_it_can():
    rng = np.random.default_rng(4)
    points = np.stack([np.arange(400) * 0.025, np.cumsum(rng.normal(0.0, 0.05, 400))], axis=1)
    kept = simplified(points, 0.1)
    off = np.abs(np.interp(points[:, 0], *points[kept].T) - points[:, 1])
    assert off.max() <= 0.1
    assert len(kept) < 200
    straight = np.stack([np.arange(50.0), 2.0 * np.arange(50.0)], axis=1)
    assert simplified(straight, 1e-9).tolist() == [0, 49]


def test_a_beat_takes_few_bytes():
    noisy = beat(n=1001, dt=0.5)
    assert sum(len(trace.path) for trace in lay_out(noisy, 0.5).traces) < 12_000
