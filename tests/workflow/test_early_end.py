"""A simulation that ends before all that was asked for has begun."""

import h5py
import pytest
from tiny_cohort import Study

from polycardia.io.heart_verification import heart_faults

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def simulated(study: Study, start: float) -> tuple[list[str], str]:
    """Return the heart's files after an early end, and what was said.

    Args:
        study: with the heart and its models.
        start: of the first snapshot [ms].
    """
    study.configure(lambda s: s["numerics"].update(stop="when_activated"))
    study.configure(lambda s: s.update(outputs={"voltage": {"interval": 5.0, "start": start}}))
    done = study.polycardia("simulate", "--config", "study.yaml", "--patient", "s0001")
    assert done.returncode == 0, done.stderr
    heart = study.heart("s0001")
    with h5py.File(heart) as file:
        assert file["outcome"].attrs["status"] == "solved"
    assert list(heart_faults(heart)) == []
    return sorted(file.name for file in heart.parent.glob("*s0001.*")), done.stderr


def test_a_beat_that_ends_before_its_first_snapshot_has_none_and_says_so(study: Study) -> None:
    files, said = simulated(study, 0.0)
    assert files == ["s0001.voltage.vtkhdf", "s0001.vtkhdf"]
    assert "no snapshots" not in said
    files, said = simulated(study, 200.0)
    assert files == ["s0001.vtkhdf"]
    assert "ended before outputs.voltage.start 200 ms: no snapshots of the voltage" in said
