"""The slab's converged times at its nine points, with their errors, and how they were made.

``python tests/regression/slab_reference.py`` makes them again, in a core's hour and 3 GB: the
benchmark on bricks, the current near the front left as it is, so that the error is of second
order in the spacing and in the time step.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_name("slab_reference.json")
SPACINGS = (0.2, 0.1, 0.0625, 0.05)  # [mm]
DT = 0.01  # [ms], of all spacings
STEPS = (0.02, 0.01, 0.005)  # [ms], at the spacing below
STEPPED_AT = 0.1  # [mm]


def extrapolated() -> dict[str, tuple[float, float]]:
    """Return each point's time without spacing and time step, and its error [ms].

    The time is that of ``a + b h^2 + c h^4`` through the three finest spacings, with what the step
    is off by at `STEPPED_AT` taken away.  The error is by how much a line in h^2 through the two
    finest gives another time, and all of what was taken away.
    """
    stored = json.loads(STORED.read_text())
    converged = {}
    for point in stored["by_spacing"][str(SPACINGS[0])]:
        h = np.array(SPACINGS[-3:])
        times = np.array([stored["by_spacing"][str(each)][point] for each in h])
        curve = np.polyfit(h**2, times, 2)[-1]
        line = np.polyfit(h[-2:] ** 2, times[-2:], 1)[-1]
        used, finer = (stored["by_step"][str(step)][point] for step in STEPS[-2:])
        late = used - (finer + (finer - used) / 3.0)
        converged[point] = (float(curve - late), float(abs(curve - line) + abs(late)))
    return converged


def main() -> None:
    by_spacing = {str(spacing): run(spacing, DT) for spacing in SPACINGS}
    by_step = {str(step): run(STEPPED_AT, step) for step in STEPS}
    STORED.write_text(json.dumps({"by_spacing": by_spacing, "by_step": by_step}, indent=1) + "\n")


def run(spacing: float, dt: float) -> dict[str, float]:
    """Return the times of the nine points [ms]."""
    command = [sys.executable, "-m", "polycardia", "slab", "--uncorrected", "--json"]
    command += ["--dx", str(spacing), "--dt", str(dt)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    times: dict[str, float] = json.loads(found.stdout)["points"]
    return {point: round(time, 4) for point, time in times.items()}


if __name__ == "__main__":
    main()
