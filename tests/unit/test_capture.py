"""Capture: counted from voltages that are known, and told in sentences and measures."""

import json

import numpy as np
import pytest

from polycardia.config import Simulation, study_from
from polycardia.errors import BadStudy, NoCapture
from polycardia.physics.capture import CaptureCounter, Readiness, Watch
from polycardia.physics.heart import Site
from polycardia.solver.partition import Ownership
from polycardia.study.stimulation import (
    capture_measures,
    not_captured,
    require_mapped_capture,
    responses,
    stimuli,
    watches,
)

DT = 0.5


def counted(watches, upstrokes, end=100.0):
    """Step nodes that go from -80 to 20 mV at their upstroke, and back 30 ms later."""

    def voltage(time):
        up = (time >= upstrokes) & (time < upstrokes + 30.0)
        return np.where(up, 20.0, -80.0)

    return stepped(watches, voltage, end)


def stepped(watches, voltage, end=100.0):
    ready = Readiness(watches, voltage(0.0), activation=0.0, repolarisation=-70.0)
    counter = CaptureCounter(watches, ready)
    for step in range(round(end / DT)):
        time = step * DT
        for recorder in (counter, ready):
            recorder.observe(time, DT, voltage(time), voltage(time + DT))
    return counter


def test_nodes_count_that_activate_within_the_time():
    upstrokes = np.array([5.0, 12.0, 40.0, 59.0, 61.0, np.inf])
    watch = Watch(np.arange(6), since=10.0, until=60.0)
    assert counted([watch], upstrokes).counts.tolist() == [3]


def test_each_watch_has_its_own_nodes_and_time():
    upstrokes = np.array([5.0, 12.0, 40.0])
    several = [Watch(np.array([0, 1]), 0.0, 20.0), Watch(np.array([2]), 0.0, 20.0)]
    several += [Watch(np.array([2]), 20.0, 50.0), Watch(np.array([], np.int64), 0.0, 50.0)]
    assert counted(several, upstrokes).counts.tolist() == [2, 0, 1, 0]


def test_a_thousand_watches_count_as_each_would_alone():
    """Of different lengths, overlapping, in no order."""
    rng = np.random.default_rng(3)
    upstrokes = rng.uniform(0.0, 100.0, 30)
    since = np.round(rng.uniform(0.0, 95.0, 300))
    until = since + rng.choice([1.0, 5.0, 60.0], 300)
    several = [Watch(rng.integers(0, 30, 4), *span) for span in zip(since, until, strict=True)]
    expected = [
        sum(w.since <= DT * np.ceil(upstrokes[node] / DT - 1) + 0.25 < w.until for node in w.nodes)
        for w in several
    ]
    assert counted(several, upstrokes).counts.tolist() == expected


def test_a_counter_goes_on_from_where_another_stopped():
    watch = [Watch(np.arange(2), 0.0, 50.0)]
    first = counted(watch, np.array([5.0, np.inf]))
    second = CaptureCounter(watch, readiness(watch, 4))
    second.restore({name: array.copy() for name, array in first.arrays().items()})
    assert second.counts.tolist() == [1]
    with pytest.raises(ValueError, match=r"found \(1,\), expected \(2,\)"):
        CaptureCounter(watch * 2, readiness(watch, 4)).restore(first.arrays())
    stopped = readiness(watch, 4)
    stopped.observe(0.0, DT, np.full(4, -80.0), np.array([10.0, -80.0, -80.0, -80.0]))
    assert stopped.ready.tolist() == [False, True, False, False]
    again = readiness(watch, 4)
    again.restore(stopped.arrays())
    assert again.ready.tolist() == stopped.ready.tolist()
    with pytest.raises(ValueError, match="recorded ready: found none"):
        again.restore({})


def readiness(watches, n_nodes):
    return Readiness(watches, np.full(n_nodes, -80.0), activation=0.0, repolarisation=-70.0)


@pytest.mark.parametrize(("level", "count"), [(-80.0, 1), (-53.0, 1), (-52.0, 0), (-20.0, 0)])
def test_a_node_answers_only_when_it_has_recovered(level, count):
    """It comes down from an earlier beat to a level at 20 ms, and is lifted at 40 ms."""

    def voltage(time):
        return np.array([20.0 if time < 20.0 or time >= 40.0 else level])

    watch = Watch(np.array([0]), since=35.0, until=85.0)
    assert stepped([watch], voltage).counts.tolist() == [count]


def test_a_node_that_starts_high_has_to_recover_first():
    def voltage(time):
        return np.array([20.0 if time >= 40.0 else -20.0])

    assert stepped([Watch(np.array([0]), 0.0, 50.0)], voltage).counts.tolist() == [0]


def test_a_slow_upstroke_of_many_steps_is_an_activation():
    def voltage(time):
        return np.array([np.clip(-80.0 + 4.0 * (time - 10.0), -80.0, 20.0)])

    assert stepped([Watch(np.array([0]), 0.0, 50.0)], voltage).counts.tolist() == [1]


def test_a_notch_is_no_second_activation():
    def voltage(time):
        return np.array([-80.0 if time < 10.0 else 20.0 if time < 15.0 or time > 20.0 else -10.0])

    assert stepped([Watch(np.array([0]), 0.0, 50.0)], voltage).counts.tolist() == [1]


def simulation(**protocol) -> Simulation:
    settings = {"protocol": protocol, "numerics": {"duration": 3000.0}}
    return study_from(settings, "c").simulation()


SITE = {"name": "a", "ventricle": "lv", "apicobasal": 0.5, "rotation": 0.0, "time": 4.0}
OTHER = SITE | {"name": "b", "time": 0.0}
PACING = {"name": "pacing", "count": 2, "cycle_length": 500.0, "extrastimuli": [250.0]}
SITES = [
    Site("a", np.array([10, 12]), np.array([14, 15, 16, 17])),
    Site("b", np.array([11]), np.array([15, 16])),
]
OWNED = Ownership(first=10, last=20, n_nodes=40)


def test_stimuli_of_a_train_in_steps_and_own_nodes():
    settings = simulation(sites=[SITE, OTHER], stimuli=[PACING | {"amplitude": 70.0}])
    dt = settings.numerics.dt
    found = stimuli(SITES, OWNED, settings)
    assert [s.first_step * dt for s in found] == pytest.approx([4, 0, 504, 500, 754, 750])
    assert [s.nodes.tolist() for s in found] == [[0, 2], [1]] * 3
    assert [s.n_steps * dt for s in found] == pytest.approx([2.0] * 6)
    assert {s.amplitude for s in found} == {70.0}


def test_watches_go_from_the_beats_onset_to_after_the_sites_own():
    settings = simulation(sites=[SITE, OTHER], stimuli=[PACING])
    found = watches(SITES, OWNED, settings)
    assert [(w.since, w.until) for w in found[:3]] == [(0.0, 54.0), (0.0, 50.0), (500.0, 554.0)]
    assert [w.nodes.tolist() for w in found[:2]] == [[4, 5, 6, 7], [5, 6]]


def test_pulses_at_a_place_share_its_nodes():
    settings = simulation(sites=[SITE, OTHER], stimuli=[PACING])
    for found in (stimuli(SITES, OWNED, settings), watches(SITES, OWNED, settings)):
        assert len({id(each.nodes) for each in found}) == 2


def test_a_heart_prepared_without_a_place_is_refused():
    settings = simulation(sites=[SITE, OTHER | {"name": "c"}])
    with pytest.raises(BadStudy, match="beat acts at c, but the heart was prepared with a, b"):
        stimuli(SITES, OWNED, settings)


def test_what_captured_is_a_measure_for_each_kind_of_pulse():
    settings = simulation(sites=[SITE, OTHER], stimuli=[PACING])
    found = responses(SITES, np.array([4, 2, 1, 1, 0, 2]), settings)
    assert [response.share for response in found] == [1.0, 1.0, 0.25, 0.5, 0.0, 1.0]
    assert capture_measures(found, settings) == {
        "captured_pacing_S1": (0.75, "1"),
        "captured_pacing_S2": (0.5, "1"),
    }
    assert str(found[4]) == (
        "pacing: S2, pulse 3 at 750 ms did not capture at a: 0% of the nodes around it activate "
        "within 50 ms, need 50%"
    )


def test_pulses_that_do_not_capture_are_told_up_to_a_length_that_a_file_takes():
    train = {"name": "long", "count": 60, "cycle_length": 40.0}
    settings = simulation(sites=[SITE, OTHER], stimuli=[train])
    told = json.loads(not_captured(responses(SITES, np.zeros(120, np.int64), settings)))
    assert told[0].startswith("long: S1, pulse 1 at 0 ms did not capture at a: 0%")
    assert len(told) == 101
    assert told[-1] == "and 20 more"
    assert not_captured(responses(SITES, np.tile([4, 2], 60), settings)) == "[]"


def test_the_one_beat_of_the_default_has_no_such_measures():
    settings = simulation(sites=[SITE, OTHER])
    assert capture_measures(responses(SITES, np.array([4, 2]), settings), settings) == {}


@pytest.mark.parametrize(
    ("mapped", "counts", "sentence"),
    [
        ("last", [4, 2, 4, 2, 1, 0], "pacing: S2, pulse 3 at 750 ms did not capture at a: 25%"),
        ("last_regular", [4, 2, 0, 0, 4, 2], "pacing: S1, pulse 2 at 500 ms did not capture"),
        ("first", [0, 0, 4, 2, 4, 2], "pacing: S1, pulse 1 at 0 ms did not capture"),
        ("last", [0, 0, 0, 0, 0, 1], None),
        ("last_regular", [0, 0, 4, 2, 0, 0], None),
    ],
)
def test_the_mapped_beat_must_capture_somewhere(mapped, counts, sentence):
    settings = simulation(sites=[SITE, OTHER], stimuli=[PACING], mapped_beat=mapped)
    found = responses(SITES, np.array(counts), settings)
    if sentence is None:
        require_mapped_capture(found, settings)
    else:
        with pytest.raises(NoCapture, match=sentence):
            require_mapped_capture(found, settings)
