import pytest

from polycardia.errors import BadModel
from polycardia.ionic.carrier import NOTHING, POTASSIUM, find_carrier
from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model
from polycardia.ionic.pacing import Stimulus, paced_state

CAPACITANCE, VOLUME, FARADAY = 0.185, 0.016404, 96485.3415  # [nF], [nL], [C/mol]: the TP06 paper's

LEAK = """[[model]]
membrane.V = -80
ions.k_i = 140

[engine]
time = 0 [ms] in [ms] bind time

[membrane]
i_k = 0.1 [mS/uF] * (V + 80 [mV]) in [A/F]
dot(V) = -i_k in [mV] label membrane_potential

[ions]
use membrane.i_k
gain = 2 [mM/mV] in [mM/mV]
dot(k_i) = {rate}
"""


@pytest.fixture
def leak(written):
    return lambda rate: load_model(written(LEAK.format(rate=rate)))


def test_potassium_moves_with_a_membranes_charge_over_its_volume():
    found = find_carrier(load_model("tp06_epi"), POTASSIUM)
    assert found.name == "potassium.k_i"
    assert found.gain == pytest.approx(CAPACITANCE / (VOLUME * FARADAY), rel=1e-9)


def test_exchangers_do_not_tell_the_charge_of_an_ion():
    """Three sodium ions a charge by the exchanger and the pump, one by the channels."""
    found = find_carrier(load_model("tp06_epi"), "sodium.na_i")
    assert found.gain == pytest.approx(CAPACITANCE / (VOLUME * FARADAY), rel=1e-9)


def test_no_ions():
    assert find_carrier(load_model("tp06_epi"), NOTHING) is None
    assert find_carrier(load_model("mitchell_schaeffer"), POTASSIUM) is None


def test_potassium_that_stands_still_carries_nothing(leak):
    assert find_carrier(leak("0 [mM/ms] in [mM]"), POTASSIUM) is None


def test_current_behind_another_variable(leak):
    text = "both in [mM]\nboth = -gain * i_k in [mM/ms]"
    found = find_carrier(leak(text), POTASSIUM)
    assert found.gain == pytest.approx(2.0, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("calcium.ca_i", "no current moves it in a fixed proportion"),  # its buffer
        ("i_na.m", "no current moves it in a fixed proportion"),
        ("k_i", "expected potassium, nothing or one of the states i_kr.xr1"),
    ],
)
def test_what_cannot_carry_a_stimulus(name, message):
    with pytest.raises(BadModel, match=message):
        find_carrier(load_model("tp06_epi"), name)


def test_charge_of_a_paced_cell_is_conserved(leak, kernels):
    """All current is potassium's, so that k_i - gain V changes by what comes without ions.

    To the order of the time step: the voltage's is an exponential one.
    """
    model = leak("-gain * i_k in [mM]")
    kernel = build(model, cache=kernels)
    row = kernel.state_names.index("ions.k_i")
    ends = {}
    for wanted in (POTASSIUM, NOTHING):
        stimulus = Stimulus(amplitude=10.0, carrier=find_carrier(model, wanted))
        voltage, states = paced_state(kernel, cycle_length=20.0, beats=3, stimulus=stimulus)
        ends[wanted] = states[row] - 2.0 * voltage
    assert ends[POTASSIUM] == pytest.approx(140.0 + 2.0 * 80.0, abs=0.2)
    assert ends[NOTHING] == pytest.approx(140.0 + 2.0 * 80.0 - 3 * 2.0 * 10.0, abs=0.2)
