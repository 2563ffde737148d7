import math

import pytest
from heart_costs import cost, record

from polycardia.study.heart_cost import HeartCost
from polycardia.study.sizing import beat_job


def test_what_a_heart_cost():
    heart = cost()
    assert heart.stepping == 50.0
    assert heart.core_hours == pytest.approx((20.0 + 2 * 60.0) / 3600.0)
    assert heart.node_step == pytest.approx(1e9 * 2 * 50.0 / (30_000 * 4_000))
    assert heart.on_processor == pytest.approx(0.8)
    assert heart.computing == pytest.approx(40.0 / 60.0)  # halo, output, control are not
    asked = beat_job(30_000, steps=1).memory  # [MB]
    assert heart.memory_share == pytest.approx(400.0 / asked)


def test_energy_is_known_where_the_scheduler_told_it():
    assert math.isnan(cost().energy)
    assert cost(energy=7200.0).energy == 7200.0


def test_a_heart_that_failed_has_no_cost():
    failed = {name: value for name, value in record().items() if not name.startswith("cost_")}
    assert HeartCost.of(failed) is None


def test_a_beat_of_no_step_is_no_division_by_zero():
    parts = ("reaction", "front", "diffusion", "halo", "output", "control")
    heart = cost(**{f"cost_{part}": 0.0 for part in parts}, cost_n_steps=0, seconds=0.0)
    assert heart.node_step == 0.0
    assert math.isnan(heart.on_processor)
    assert math.isnan(heart.computing)
