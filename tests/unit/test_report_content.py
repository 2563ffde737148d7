from datetime import datetime

import numpy as np
import pytest
from pydantic import BaseModel, Field

from polycardia.report.content import CohortReport, PatientReport, Setting, chosen
from polycardia.report.settings import described
from polycardia.report.summary import distributions, nice_ticks
from polycardia.report.table import tabulate
from polycardia.report.wording import NOTHING, decimals, label, pretty_unit, setting_text, written

WHEN = datetime(2026, 3, 5, 14, 2)


def cohort(*patients):
    return CohortReport("A study", WHEN, {}, patients)


def solved(name, sex=None, **measures):
    return PatientReport(
        name,
        "solved",
        clinical={"sex": sex},
        measures={key: (value, "ms") for key, value in measures.items()},
    )


def test_columns_come_from_all_patients_and_gaps_are_dashes():
    table = tabulate(
        cohort(
            PatientReport("a", "bad_mesh", clinical={"age": 54, "sex": "F"}),
            PatientReport(
                "b", "solved", measures={"lv_mass": (101.26, "g"), "qrs_duration": (91.0, "ms")}
            ),
        )
    )
    assert [(c.label, c.unit, c.cells) for c in table.clinical] == [
        ("Sex", "", ("F", NOTHING)),
        ("Age", "y", ("54", NOTHING)),
    ]
    assert [(c.label, c.unit, c.cells) for c in table.measures] == [
        ("QRS duration", "ms", (NOTHING, "91")),
        ("LV mass", "g", (NOTHING, "101.3")),
    ]
    assert [c.is_numeric for c in table.columns] == [False, True, True, True]


def test_a_column_without_values_is_left_out():
    assert tabulate(cohort(PatientReport("a", "solved", clinical={"age": None}))).columns == ()


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        ([54, 61], "y", 0),
        ([91.25, 104.0], "ms", 1),
        ([0.00123], "mV", 5),
        ([1.234, float("nan")], "mV", 2),
        ([123456.7], "", 0),
        ([], "", 0),
    ],
)
def test_columns_get_decimals_that_suit_them(values, unit, expected):
    assert decimals(values, unit) == expected


def test_values_are_written_for_reading():
    assert written(-1.25, 1) == "\N{MINUS SIGN}1.2"
    assert written(float("inf"), 1) == written(None) == written("") == NOTHING
    assert written(True) == "yes"
    assert label("rv_cavity_volume") == "RV cavity volume"
    assert pretty_unit("uF/mm^2") == "µF/mm²"
    assert setting_text(1e-4) == "0.0001"
    assert setting_text(None) == "none"


class Inner(BaseModel):
    sigma: float = Field(0.17, description="along the fibres [mS/mm = S/m]; Clerc 1976")
    names: tuple[str, ...] = ("a", "b")


class Outer(BaseModel):
    dt: float = Field(0.05, description="time step [ms]")
    inner: Inner = Inner()
    sites: tuple[Inner, ...] = (Inner(), Inner(sigma=0.2))


def test_settings_carry_the_units_and_words_of_their_types():
    found = described(Outer())
    assert found["dt"] == Setting(0.05, "ms", "time step")
    assert found["inner"] == {
        "sigma": Setting(0.17, "mS/mm", "along the fibres; Clerc 1976"),
        "names": Setting("a, b"),
    }
    assert found["sites"]["2"]["sigma"].value == 0.2


def test_plots_are_split_by_sex_and_leave_failed_hearts_out():
    failed = PatientReport("x", "diverged", measures={"qrs_duration": (900.0, "ms")})
    plots = distributions(
        cohort(
            *(solved(f"f{i}", "F", qrs_duration=80.0 + i) for i in range(3)),
            *(solved(f"m{i}", "M", qrs_duration=90.0 + i) for i in range(5)),
            solved("n", qrs_duration=85.0),
            failed,
        )
    )
    assert [plot.title for plot in plots] == ["QRS duration"]
    assert [(g.label, g.count, g.median) for g in plots[0].groups] == [
        ("Female", 3, "81"),
        ("Male", 5, "92"),
        ("Not given", 1, "85"),
    ]
    assert all(len(group.dots) == group.count for group in plots[0].groups)


def test_dots_that_would_touch_are_stacked():
    (plot,) = distributions(cohort(*(solved(f"p{i}", qrs_duration=90.0) for i in range(12))))
    (group,) = plot.groups
    assert group.label == "All"
    assert len(set(group.dots)) == 12
    assert min(y for _, y in group.dots) > 0.0


def test_many_hearts_are_bars_whose_areas_are_their_numbers():
    values = np.linspace(80.0, 100.0, 400) ** 2 / 100.0
    (plot,) = distributions(
        cohort(*(solved(f"p{i}", qrs_duration=v) for i, v in enumerate(values)))
    )
    (group,) = plot.groups
    heights = np.array([bar[3] for bar in group.bars])
    low, high = float(plot.ticks[0][1]), float(plot.ticks[-1][1])
    counts = np.histogram(values, bins=5 * (len(plot.ticks) - 1), range=(low, high))[0]
    np.testing.assert_allclose(
        heights / heights.max(), counts[counts > 0] / counts.max(), atol=0.01
    )


def test_one_heart_makes_no_plot():
    assert distributions(cohort(solved("only", qrs_duration=90.0))) == []


@pytest.mark.parametrize(
    "values", [[90.0, 91.0], [5.0, 5.0], [0.0, 0.0], [-3.0, 4e6], [1e-5, 3e-5]]
)
def test_ticks_are_few_round_and_span_the_values(values):
    ticks = nice_ticks(values)
    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= min(values)
    assert max(values) <= ticks[-1]
    assert np.ptp(np.diff(ticks)) < 1e-9 * ticks[-1]


@pytest.mark.parametrize(
    ("limit", "wanted", "expected"),
    [
        (2, (), "ab"),
        (0, (), ""),
        (9, (), "abcd"),
        (2, ("d",), "ad"),
        (2, ("d", "c", "x"), "cd"),
        (1, ("d", "c"), "c"),
        (0, ("d",), ""),
    ],
)
def test_the_first_hearts_are_drawn_after_those_that_are_named(limit, wanted, expected):
    assert chosen("abcd", limit, wanted) == list(expected)


def test_an_ecg_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"\(11, 9\)"):
        PatientReport("a", "solved", ecg=np.zeros((11, 9), np.float32))
