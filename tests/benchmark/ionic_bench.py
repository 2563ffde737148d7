"""How fast the cell models are, beside what the machine does on the same core at the same time.

Run as a script it prints JSON.  The kernels do some 40 exponentials a node and step, so their
time over the time of one vectorised exponential is comparable between machines; seconds are not.
"""

import ctypes
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from polycardia.ionic.compiler import compiled
from polycardia.ionic.kernel import Kernel, build
from polycardia.ionic.model import load_model
from polycardia.ionic.models import MODELS
from polycardia.ionic.template import VECTOR_MATH

NODES = 58_000  # about the slab at 0.2 mm
STEPS = 20
DT = 0.02  # [ms]
CACHED = 2_000  # doubles: stays in the first-level cache
STREAMED = 8_000_000  # doubles an array: leaves every cache
REPEATS = 7

PROBES = """
#include <stddef.h>
void exponentials(double *restrict x, const double *restrict y, const double *restrict z, size_t n)
{
    #pragma omp simd
    for (size_t i = 0; i < n; ++i) x[i] = exp_(y[i]);
}
void triad(double *restrict x, const double *restrict y, const double *restrict z, size_t n)
{
    #pragma omp simd
    for (size_t i = 0; i < n; ++i) x[i] = y[i] + 3.0 * z[i];
}
"""


def measure(cache: Path) -> dict[str, float]:
    """Return the figures of this core, the best of several runs each.

    Keys: ``exp_per_s`` [1/s], ``triad_bytes_per_s`` [B/s], and for each model
    ``<name>_ns_per_node_step`` [ns] and ``<name>_exps_per_node_step`` [1], its time in
    units of one vectorised exponential.
    """
    probes = ctypes.CDLL(str(compiled(VECTOR_MATH.read_text() + PROBES, "", cache)))
    exp_rate = 1.0 / _seconds_per_element(probes.exponentials, CACHED, calls=500)
    stream = 3 * 8 / _seconds_per_element(probes.triad, STREAMED, calls=1)
    figures = {"exp_per_s": exp_rate, "triad_bytes_per_s": stream}
    for name in MODELS:
        seconds = _seconds_per_node_step(build(load_model(name), cache=cache))
        figures[f"{name}_ns_per_node_step"] = 1e9 * seconds
        figures[f"{name}_exps_per_node_step"] = seconds * exp_rate
    return figures


def _seconds_per_element(function: Any, n: int, calls: int) -> float:
    arrays = [np.linspace(-1.0, 1.0, n) for _ in range(3)]
    pointers = [ctypes.c_void_p(array.ctypes.data) for array in arrays]

    def run() -> None:
        for _ in range(calls):
            function(*pointers, ctypes.c_size_t(n))

    return _best(run) / (n * calls)


def _seconds_per_node_step(kernel: Kernel) -> float:
    """As in tissue: one step a call, cells in all phases of the action potential."""
    voltage, states = kernel.resting(NODES)
    voltage += np.random.default_rng(0).uniform(0.0, 100.0, NODES)

    def run() -> None:
        for _ in range(STEPS):
            kernel.advance(voltage, states, DT)

    return _best(run) / (NODES * STEPS)


def _best(run: Callable[[], None]) -> float:
    """Return the processor's seconds of the least of `REPEATS` runs, after one not counted."""
    run()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        json.dump(measure(Path(folder)), sys.stdout, indent=1)
        print()
