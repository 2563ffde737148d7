"""What the protocol's settings mean in pulses, and every sentence about those that cannot be."""

import time

import pytest

from polycardia.config import Study, study_from
from polycardia.errors import BadStudy

SITE = {"name": "a", "ventricle": "lv", "apicobasal": 0.5, "rotation": 0.0, "time": 4.0}
BALL = {"centre": [1.0, 2.0, 3.0], "radius": 4.0}
APEX = {"name": "apex", "ball": BALL}
LATE = {"numerics": {"duration": 3000.0}}


def study(*, numerics=None, **protocol):
    return study_from({"protocol": protocol, "numerics": numerics or {"duration": 3000.0}}, "c")


def pulses(**protocol):
    return study(**protocol).simulation().stimulation.pulses()


def test_the_default_is_one_beat_of_five_sites():
    (pulse,) = pulses()
    assert (pulse.onset, pulse.amplitude, pulse.duration) == (0.0, 50.0, 2.0)
    assert dict(pulse.delays) == {
        "lv_anterior_paraseptal": 0.0,
        "lv_mid_septal": 0.0,
        "lv_posterior_paraseptal": 0.0,
        "rv_anterior_papillary": 10.0,
        "rv_septal": 15.0,
    }
    assert Study().simulation().stimulation.record_from == 0.0
    assert Study().simulation().stimulation.record_until is None


def test_a_train_and_its_extrastimuli():
    train = {"name": "t", "at": ["apex"], "time": 10.0, "count": 3, "cycle_length": 600.0}
    train |= {"extrastimuli": [300.0, 250.0], "amplitude": 80.0}
    found = pulses(places=[APEX], stimulus={"duration": 1.0}, stimuli=[train])
    assert [p.onset for p in found] == [10.0, 610.0, 1210.0, 1510.0, 1760.0]
    assert [p.label for p in found] == ["S1", "S1", "S1", "S2", "S3"]
    assert [p.number for p in found] == [1, 2, 3, 4, 5]
    assert {(p.amplitude, p.duration) for p in found} == {(80.0, 1.0)}
    assert all(dict(p.delays) == {"apex": 0.0} for p in found)
    assert str(found[3]) == "t: S2, pulse 4 at 1510 ms"


def test_sites_named_by_a_stimulus_start_at_once_and_all_of_them_at_their_own_times():
    other = SITE | {"name": "b", "time": 9.0}
    together, named = pulses(
        sites=[SITE, other], stimuli=[{"name": "s"}, {"name": "t", "at": ["b"], "time": 500.0}]
    )
    assert dict(together.delays) == {"a": 4.0, "b": 9.0}
    assert together.end == 11.0
    assert dict(named.delays) == {"b": 0.0}


def test_pulses_of_several_stimuli_come_in_the_order_of_time():
    found = pulses(
        stimuli=[
            {"name": "sinus", "count": 3, "cycle_length": 800.0},
            {"name": "ectopic", "at": ["rv_septal"], "time": 1100.0},
        ]
    )
    assert [(p.train, p.onset) for p in found] == [
        ("sinus", 0.0), ("sinus", 800.0), ("ectopic", 1100.0), ("sinus", 1600.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mapped", "window"),
    [("first", (100.0, 700.0)), ("last_regular", (700.0, 1000.0)), ("last", (1000.0, None))],
)
def test_the_mapped_beat_goes_from_its_onset_to_the_next(mapped, window):
    train = {"name": "t", "time": 100.0, "count": 2, "cycle_length": 600.0, "extrastimuli": [300.0]}
    found = study(stimuli=[train], mapped_beat=mapped).simulation().stimulation
    assert (found.record_from, found.record_until) == window
    # the pulse at 1000 ms, the last site 15 ms later, and the time to capture
    assert found.settled_from == (0.0 if mapped == "last" else 1065.0)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("mapped", "until"), [("first", 100.0), ("last", None)])
def test_the_longest_train_is_read_at_once(mapped, until):
    """A list of all pulses for every pulse took minutes."""
    train = {"name": "t", "count": 9999, "cycle_length": 100.0}
    found = study(stimuli=[train], mapped_beat=mapped, numerics={"duration": 1e6})
    started = time.perf_counter()
    stimulation = found.simulation().stimulation
    assert stimulation.record_until == until
    assert stimulation.settled_from == (999865.0 if until else 0.0)
    assert time.perf_counter() - started < 5.0


def test_ten_thousand_single_pulses_are_checked_at_once():
    stimuli = [{"name": f"s{k}", "at": ["rv_septal"], "time": 100.0 * k} for k in range(9999)]
    started = time.perf_counter()
    study(stimuli=stimuli, numerics={"duration": 1e6})
    assert time.perf_counter() - started < 5.0


@pytest.mark.parametrize(
    ("protocol", "sentence"),
    [
        ({"sites": []}, "protocol.sites is empty, expected a site, or stimuli that name their"),
        (
            {"sites": [], "places": [APEX], "stimuli": [{"name": "s"}]},
            "protocol.sites is empty, expected a site, or stimuli that name their places",
        ),
        ({"sites": [SITE, SITE]}, "2 sites are called 'a', expected one"),
        ({"sites": [SITE], "places": [APEX | {"name": "a"}]}, "2 sites and places are called 'a'"),
        ({"places": [APEX, APEX]}, "2 sites and places are called 'apex', expected one"),
        ({"places": [APEX | {"name": "rv_septal"}]}, "2 sites and places are called 'rv_septal'"),
        ({"stimuli": [{"name": "s"}, {"name": "s"}]}, "2 stimuli are called 's', expected one"),
        (
            {"sites": [SITE], "stimuli": [{"name": "s", "at": ["b"]}]},
            "stimulus s names 'b', expected one of the sites and places a",
        ),
        ({"stimuli": [{"name": "s", "at": []}]}, "protocol.stimuli.0.at"),
        (
            {"stimuli": [{"name": "s", "at": ["rv_septal", "rv_septal"]}]},
            "s: names 'rv_septal' more than once in at",
        ),
        ({"stimuli": [{"name": "s", "count": 2}]}, "s: 2 pulses and no cycle_length, need one"),
        ({"stimuli": [{"name": "s", "count": 0}]}, "protocol.stimuli.0.count"),
        ({"stimuli": [{"name": "s", "amplitude": 0.0}]}, "amplitude: Input should be greater"),
        ({"stimuli": [{"name": "s", "amplitude": -5.0}]}, "amplitude: Input should be greater"),
        ({"stimulus": {"amplitude": -5.0}}, "stimulus.amplitude: Input should be greater than 0"),
        ({"stimuli": [{"name": "s", "duration": 0.0}]}, "duration: Input should be greater than"),
        ({"stimuli": [{"name": "s", "time": -1.0}]}, "time: Input should be greater than or eq"),
        (
            {"stimuli": [{"name": "s", "duration": 2.01}]},
            "protocol.stimuli: s: duration 2.01 ms is not a whole number of steps of dt",
        ),
        (
            {"stimuli": [{"name": "s", "time": 2.01}]},
            "protocol.stimuli: s: time 2.01 ms is not a whole number of steps of dt",
        ),
        (
            {"stimuli": [{"name": "s", "count": 2, "cycle_length": 500.01}]},
            "protocol.stimuli: s: cycle_length 500.01 ms is not a whole number of steps of dt",
        ),
        (
            {"stimuli": [{"name": "s", "extrastimuli": [300.0, 250.01]}]},
            "s: coupling interval of S3 250.01 ms is not a whole number of steps of dt",
        ),
        (
            {"stimuli": [{"name": "s", "extrastimuli": [1.0]}]},
            "s: coupling interval of S2 1 ms is over before the pulse it follows, which lasts 2",
        ),
        (
            {"stimuli": [{"name": "s", "count": 2, "cycle_length": 1.5}]},
            "s: cycle_length 1.5 ms is over before the pulse it follows, which lasts 2 ms",
        ),
        (
            {"stimuli": [{"name": "s", "at": ["rv_septal"], "time": 2999.0}]},
            "pulse 1 of s at rv_septal at 2999 ms, expected before the end, 3000 ms, and 2 ms to",
        ),
        (
            {"stimuli": [{"name": "s", "count": 6, "cycle_length": 600.0}]},
            "pulse 6 of s at lv_anterior_paraseptal at 3000 ms, expected before the end, 3000 ms",
        ),
        ({"places": [{"name": "p"}]}, "place p is given by nothing, expected one of ball, box"),
        (
            {"places": [APEX | {"coordinates": {"apicobasal": [0.0, 0.1]}}]},
            "place apex is given by ball and coordinates, expected one of",
        ),
        ({"places": [{"name": "p", "ball": BALL | {"radius": 0.0}}]}, "ball.radius"),
        (
            {"places": [{"name": "p", "box": {"lowest": [0, 0, 0], "highest": [1, 0, 1]}}]},
            "box from 0 to 0 mm along y, expected the lower first",
        ),
        (
            {"places": [{"name": "p", "coordinates": {"apicobasal": [0.2, 0.1]}}]},
            "place p: apicobasal from 0.2 to 0.1, expected the lower first",
        ),
        ({"places": [{"name": "p", "coordinates": {"height": [0.0, 0.1]}}]}, "coordinates.height"),
        ({"places": [{"name": "p", "coordinates": {}}]}, "places.0.coordinates"),
        (
            {"places": [{"name": "p", "points": {"ending": "/../x.vtx", "radius": 1.0}}]},
            "points.ending",
        ),
        ({"places": [{"name": "p", "points": {"ending": ".x.csv", "radius": 1.0}}]}, "ending"),
        ({"places": [{"name": "a b", "ball": BALL}]}, "protocol.places.0.name"),
        ({"mapped_beat": "third"}, "protocol.mapped_beat"),
    ],
)
def test_what_cannot_be_stimulated_is_named(protocol, sentence):
    with pytest.raises(BadStudy) as raised:
        study(**protocol)
    assert str(raised.value).startswith("c: ")
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    "protocol",
    [
        {"stimulus": {"amplitude": 80.0}},
        {"stimulus": {"duration": 1.0}},
        {"stimuli": [{"name": "s", "count": 2, "cycle_length": 600.0}]},
        {"stimuli": [{"name": "s", "extrastimuli": [300.0]}], "mapped_beat": "last_regular"},
        {"sites": [SITE | {"time": 0.0}]},
    ],
)
def test_strengths_and_times_do_not_prepare_again(protocol):
    sites = {"sites": [SITE]} if "sites" in protocol else {}
    base, changed = study(**sites), study(**protocol)
    assert changed.preparation() == base.preparation()
    assert changed.simulation() != base.simulation()


@pytest.mark.parametrize("protocol", [{"places": [APEX]}, {"site_radius": 4.0}])
def test_where_nodes_are_stimulated_is_prepared(protocol):
    assert study(**protocol).preparation() != study().preparation()
    assert study(**protocol).simulation() == study().simulation()


def test_stages_read_their_settings_back_from_json():
    full = study(
        sites=[SITE],
        places=[
            APEX,
            {"name": "b", "box": {"lowest": [0, 0, 0], "highest": [1, 1, 1]}},
            {"name": "c", "coordinates": {"apicobasal": [0, 0.1]}},
            {"name": "d", "points": {"ending": ".d.vtx", "radius": 1}},
        ],
        stimuli=[{"name": "s", "at": ["a", "d"], "extrastimuli": [300, 250]}],
    )
    for section in (full.preparation(), full.simulation()):
        assert type(section).model_validate_json(section.model_dump_json()) == section
