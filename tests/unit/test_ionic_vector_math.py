"""exp and log of the kernels against NumPy's in extended precision."""

import ctypes

import numpy as np
import pytest

from polycardia.ionic.compiler import compiled
from polycardia.ionic.template import VECTOR_MATH

HARNESS = """
#include <stddef.h>
void apply_{name}(const double *restrict x, double *restrict y, size_t n)
{{
    #pragma omp simd
    for (size_t i = 0; i < n; ++i) y[i] = {name}_(x[i]);
}}
"""


@pytest.fixture(scope="module")
def apply(kernels):
    source = VECTOR_MATH.read_text() + "".join(HARNESS.format(name=name) for name in ("exp", "log"))
    library = ctypes.CDLL(str(compiled(source, "", kernels)))

    def call(name, x):
        x = np.ascontiguousarray(x, dtype=float)
        y = np.empty_like(x)
        function = getattr(library, f"apply_{name}")
        function.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
        function.restype = None
        function(x.ctypes.data, y.ctypes.data, x.size)
        return y

    return call


def units_in_the_last_place(found, exact):
    return np.max(np.abs(found - exact) / np.spacing(np.abs(exact.astype(float))))


@pytest.mark.parametrize("reach", [1e-3, 1.0, 40.0, 707.0])
def test_exp(apply, reach):
    x = np.random.default_rng(0).uniform(-reach, reach, 50_001)
    assert units_in_the_last_place(apply("exp", x), np.exp(x.astype(np.longdouble))) < 4.0


@pytest.mark.parametrize("reach", [1e-3, 1.0, 40.0, 707.0])
def test_log(apply, reach):
    x = np.exp(np.random.default_rng(0).uniform(-reach, reach, 50_001))
    assert units_in_the_last_place(apply("log", x), np.log(x.astype(np.longdouble))) < 4.0


def test_exp_is_clamped_and_keeps_nan(apply):
    found = apply("exp", [1e4, np.inf, -1e4, -np.inf, np.nan, 0.0])
    assert np.isfinite(found[:4]).all()
    assert (found[:2] > 1e307).all()
    assert (found[2:4] < 1e-307).all()
    assert np.isnan(found[4])
    assert found[5] == 1.0


def test_log_of_what_has_none_is_nan(apply):
    assert np.isnan(apply("log", [0.0, -1.0, -1e-300, np.nan, np.inf, 1e-310])).all()
    assert apply("log", [1.0])[0] == 0.0


def test_value_does_not_depend_on_the_place_in_the_array(apply):
    x = np.random.default_rng(1).uniform(-50.0, 50.0, 37)
    together = apply("exp", x)
    assert [apply("exp", x[i : i + 1])[0] for i in range(x.size)] == list(together)
