import numpy as np
import pytest

from polycardia.physics.measures import qrs_duration, qt_interval

WEIGHTS = np.array([0.5, 0.9, 0.4, -0.7, 0.1, 0.6, -0.8, 0.3, 0.9, 1.4, 1.1, 0.8])


def bump(time, start, end):
    """Raised cosine from start to end, height one."""
    phase = np.clip((time - start) / (end - start), 0.0, 1.0)
    return 0.5 * (1.0 - np.cos(2.0 * np.pi * phase))


def ecg(dt, qrs=(20.0, 110.0), t_wave=(220.0, 380.0), t_height=0.3, duration=500.0, offset=0.0):
    time = np.arange(0.0, duration + dt / 2.0, dt)
    wave = bump(time, *qrs) + t_height * bump(time, *t_wave)
    return offset + WEIGHTS[:, None] * wave


@pytest.mark.parametrize("dt", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("qrs", [(0.0, 80.0), (20.0, 110.0), (35.0, 195.0)])
def test_qrs_duration_of_a_pulse(dt, qrs):
    measure = qrs_duration(ecg(dt, qrs), dt)
    assert measure.value == pytest.approx(qrs[1] - qrs[0], abs=3.5 + dt)
    assert measure.missing == ""


def test_qrs_duration_of_overlapping_pulses_spans_all():
    time = np.arange(0.0, 500.0)
    leads = np.outer(WEIGHTS, bump(time, 300.0, 400.0) * 0.2)
    leads[6] += bump(time, 10.0, 60.0)
    leads[10] -= 1.5 * bump(time, 55.0, 105.0)
    assert qrs_duration(leads, 1.0).value == pytest.approx(95.0, abs=4.0)


def test_a_patch_that_is_lifted_at_once_is_not_the_complex():
    """The leads jump while the stimulus acts, and then change as the front spreads."""
    leads = ecg(1.0, qrs=(0.0, 120.0))
    leads[6] += 50.0 * np.clip(np.arange(leads.shape[1]) / 2.0, 0.0, 1.0)
    assert qrs_duration(leads, 1.0).value < 10.0
    measured = qrs_duration(leads, 1.0, [(0.0, 2.0)]).value
    assert measured == pytest.approx(120.0, abs=4.5)


def test_qt_interval_ends_at_the_tangent():
    """A raised cosine's steepest tangent ends half its width times (1/2 + 1/pi) past its top."""
    measure = qt_interval(ecg(1.0), 1.0)
    assert measure.value == pytest.approx(300.0 + 80.0 * (0.5 + 1.0 / np.pi) - 20.0, abs=2.0)


@pytest.mark.parametrize("t_height", [0.05, 0.3, -0.3])
def test_qt_interval_does_not_depend_on_the_size_of_the_waves(t_height):
    expected = qt_interval(ecg(1.0), 1.0).value
    assert qt_interval(5.0 * ecg(1.0, t_height=t_height), 1.0).value == pytest.approx(
        expected, abs=1.0
    )


def test_a_constant_offset_changes_nothing():
    shifted, plain = ecg(1.0, offset=0.4), ecg(1.0)
    assert qt_interval(shifted, 1.0).value == pytest.approx(qt_interval(plain, 1.0).value)
    assert qrs_duration(shifted, 1.0).value == pytest.approx(qrs_duration(plain, 1.0).value)


@pytest.mark.parametrize("measure", [qrs_duration, qt_interval])
@pytest.mark.parametrize(
    ("leads", "reason"),
    [
        (np.zeros((12, 100)), "no deflection"),
        (np.full((12, 100), np.nan), "not a record of finite numbers"),
        (np.zeros((12, 1)), "not a record of finite numbers"),
        (ecg(1.0, duration=80.0), "ends within the QRS complex"),
    ],
)
def test_what_cannot_be_measured_is_named(measure, leads, reason):
    value, missing = measure(leads, 1.0)
    assert np.isnan(value)
    assert reason in missing


@pytest.mark.parametrize(
    ("leads", "reason"),
    [
        (ecg(1.0, duration=150.0), "ends before the T wave"),
        (ecg(1.0, t_height=0.0), "no T wave"),
        (ecg(1.0, duration=250.0), "no T wave"),
        (ecg(1.0, duration=310.0), "before the T wave has come down"),
    ],
)
def test_a_record_without_a_whole_t_wave_has_a_qrs_duration_only(leads, reason):
    assert np.isfinite(qrs_duration(leads, 1.0).value)
    value, missing = qt_interval(leads, 1.0)
    assert np.isnan(value)
    assert reason in missing
