"""What tests of cell models need: files of texts, a cell of any expression, compiled kernels."""

import pytest

from polycardia.ionic.model import load_model

PROBE = """\
[[model]]
name: probe
c.V = -80
c.w = 2
c.x = 0.3
[c]
time = 0 [ms] in [ms] bind time
dot(V) = 0 [mV/ms] in [mV] label membrane_potential
u = V / 1 [mV]
k = 3
inner = 2 * x + w
dot(w) = 0 [1/ms]
dot(x) = ({expression}) / 1 [ms]
"""


@pytest.fixture
def written(tmp_path):
    """Write a cell's text to a file and return its path."""

    def write(text, name="cell.mmt"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def probe(written):
    """Return the model of a cell whose ``x`` changes by an expression of its other variables."""

    def load(expression):
        return load_model(written(PROBE.format(expression=expression), "probe.mmt"))

    return load


@pytest.fixture(scope="session")
def kernels(pytestconfig):
    """Return the folder of compiled kernels, which the next run of the tests finds again."""
    return pytestconfig.cache.mkdir("kernels")
