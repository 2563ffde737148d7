import math

import myokit
import pytest

from polycardia.ionic.exponentials import MAX_POWER, bases, linear

MODEL = myokit.parse_model(
    """
    [[model]]
    c.V = -80
    c.w = 1
    [c]
    t = 0 bind time
    dot(V) = 1
    dot(w) = 1
    k = 4
    half = (V - 2) / k
    e = 3 * log(w)
    """
)


def form(text):
    return linear(myokit.parse_expression(text, MODEL.get("c.k")))


def test_shifted_and_scaled_voltage():
    found = form("-(V + 35) / 5")
    assert found.slopes == (("c.V", -0.2),)
    assert found.shift == pytest.approx(-7.0)


def test_intermediary_variable_is_seen_through_where_it_is_linear():
    assert form("2 * half").slopes == (("c.V", 0.5),)
    assert form("2 * half").shift == -1.0
    assert form("0.1 * (V - e)").slopes == (("c.V", 0.1), ("c.e", -0.1))


def test_directions_do_not_depend_on_scale():
    assert form("0.1 * (V - e)").direction == form("-0.5 * (V - e - 3)").direction


@pytest.mark.parametrize("text", ["V^2", "V * w", "1 / V", "k", "V - V", "V + 1000"])
def test_what_is_not_a_linear_form(text):
    assert form(text) is None


def test_powers_of_one_base():
    found = bases([1 / 20, -1 / 10, 1 / 5])
    assert {base for base, _ in found.values()} == {1 / 20}
    assert [found[rate][1] for rate in (1 / 20, -1 / 10, 1 / 5)] == [1, -2, 4]


def test_base_that_is_no_rate_itself():
    found = bases([0.06, 0.1, -0.5])
    assert len({base for base, _ in found.values()}) == 1
    for rate, (base, power) in found.items():
        assert base * power == pytest.approx(rate, rel=1e-12)


def test_every_rate_is_reached_within_the_largest_power():
    rates = [1 / 7.43, 0.079, 0.3485, -1 / 6.8, 1 / 200, 1 / 5, 1.0, -0.0002]
    for rate, (base, power) in bases(rates).items():
        assert 1 <= abs(power) <= MAX_POWER
        assert math.isclose(base * power, rate, rel_tol=1e-12)
    assert len({base for base, _ in bases([0.079, 0.3485]).values()}) == 2
