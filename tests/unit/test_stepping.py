"""Which steps are taken when, counted in ticks."""

import pytest

from polycardia.config import Numerics
from polycardia.solver.stepping import stepping


def steps_of(**settings):
    return stepping(Numerics(**{"duration": 100.0, "report_interval": 10.0} | settings))


def test_large_steps_are_whole_small_ones():
    steps = steps_of(dt=0.025, dt_quiet=0.2)
    assert steps.n_ticks == 4000
    assert steps.ticks(True) == 1
    assert steps.ticks(False) == 8
    assert steps.time(4000) == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("dt", "dt_quiet", "apart"),
    [(0.025, 0.2, 8), (0.02, 0.02, 10), (0.005, 0.1, 40), (0.1, 0.5, 5), (0.05, 0.05, 4)],
)
def test_looks_are_whole_large_steps_apart(dt, dt_quiet, apart):
    steps = steps_of(dt=dt, dt_quiet=dt_quiet)
    assert steps.look_ticks == apart
    assert steps.look_ticks % steps.quiet_ticks == 0


def test_equal_steps_are_a_fixed_step():
    steps = steps_of(dt=0.05, dt_quiet=0.05)
    assert steps.ticks(True) == steps.ticks(False) == 1


@pytest.mark.parametrize(
    "settings",
    [{"dt": 0.03, "dt_quiet": 0.2}, {"dt": 0.025, "dt_quiet": 0.3, "duration": 100.0}],
)
def test_steps_that_do_not_divide_are_refused(settings):
    with pytest.raises(ValueError, match="dt"):
        steps_of(**settings)
