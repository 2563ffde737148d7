import myokit
import pytest

from polycardia.ionic.derivatives import ZERO, derivative
from polycardia.ionic.model import load_model
from polycardia.ionic.scheme import degree, limit_and_time_constant, scheme

DEGREES = {
    "w^2": 0,
    "inner * w - x / (1 + w)": 1,
    "if(w < 1, x, 3)": 1,
    "if(x < 1, w, 3)": 2,
    "inner * x": 2,
    "w / x": 2,
    "exp(inner)": 2,
}


@pytest.mark.parametrize("text", DEGREES)
def test_degree(probe, text):
    state = probe(text).equations.get("c.x")
    assert degree(state.rhs(), state) == DEGREES[text]


SLOPES = [*DEGREES, "x^3 / (x + exp(-x * w)) - -x^w", "sqrt(x) * log(x + 2)", "abs(x - 1)"]


@pytest.mark.parametrize("text", SLOPES)
def test_derivative_is_the_difference_quotient(probe, text):
    """The inner variable's own derivative, 2, is put in where it is asked for."""
    equations = probe(text).equations
    state, inner = equations.get("c.x"), equations.get("c.inner")
    slope = derivative(state.rhs(), state, {inner})
    asked = myokit.PartialDerivative(myokit.Name(inner), myokit.Name(state))
    value = 0.0 if slope is ZERO else slope.clone(subst={asked: myokit.Number(2)}).eval()
    values = [equations.evaluate_derivatives([-80.0, 2.0, 0.3 + d])[2] for d in (1e-6, -1e-6)]
    assert value == pytest.approx((values[0] - values[1]) / 2e-6, rel=1e-6, abs=1e-8)


def test_derivative_without_what_is_held(probe):
    state = probe("inner").equations.get("c.x")
    assert derivative(state.rhs(), state, ()) is ZERO


def test_groups_of_torord():
    model = load_model("torord_endo")
    plan = scheme(model.gates_and_concentrations, model.voltage)
    names = [[state.qname() for state in group] for group in (plan.late, plan.explicit)]
    assert names[0] == ["release.j_np", "release.j_p"]
    assert {name.split(".")[0] for name in names[1]} == {
        *("sodium", "potassium", "chloride", "calcium", "camk"),
    }
    assert {"i_kr.o", "i_cal.n_ss", "i_na.m"} <= {state.qname() for state in plan.relaxing}
    assert len(plan.relaxing) + len(plan.late) + len(plan.explicit) == 43


def test_gate_of_another_state_than_the_voltage():
    f_cass = load_model("tp06_epi").equations.get("i_cal.f_cass")
    limit, time_constant = limit_and_time_constant(f_cass)
    assert (limit.name(), time_constant.name()) == ("f_cass_inf", "tau_f_cass")
