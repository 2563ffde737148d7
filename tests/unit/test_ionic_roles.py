import pytest

from polycardia.errors import BadModel
from polycardia.ionic.model import load_model
from polycardia.ionic.roles import Naming

CELL = """\
[[model]]
a.V = -0.08
a.w = 0.5
b.W = -0.07

[clock]
t = 0 [s] in [s] bind time

[a]
c = 2 [1/s] in [1/s]
dot(V) = c * (b.W - V) + pulse in [V]
dot(w) = (1 - w) * 4 [1/s]
phase = clock.t - 1 [s] * floor(clock.t / 1 [s]) in [s]
pulse = if(phase < 0.001 [s], 50 [V/s], 0 [V/s]) in [V/s]

[b]
dot(W) = c * (a.V - W) in [V]
c = 3 [1/s] in [1/s]
"""


@pytest.fixture
def load(written):
    def load(text=CELL, **naming):
        return load_model(written(text), Naming(**naming))

    return load


def slopes(model):
    names = [state.qname() for state in model.equations.states()]
    return dict(zip(names, model.equations.evaluate_derivatives(), strict=True))


def test_names_of_the_study_decide(load):
    """In mV and ms: dV/dt = 0.002 (-70 + 80), w' = 0.5 0.004, and W stays in volts."""
    model = load(voltage="a.V", stimulus="pulse")
    assert model.voltage.qname() == "a.V"
    assert slopes(model) == pytest.approx({"a.V": 0.02, "a.w": 0.002, "b.W": -3e-5}, rel=1e-12)
    other = load(voltage="W", stimulus="pulse")
    assert other.voltage.qname() == "b.W"
    assert slopes(other) == pytest.approx({"a.V": 2e-5, "a.w": 0.002, "b.W": -0.03}, rel=1e-6)


@pytest.mark.parametrize("name", ["t", "clock.t"])
@pytest.mark.parametrize("definition", ["t = 0 [s] in [s]", "t = 0 [s] in [s] # bound by hand"])
def test_time_may_be_named_where_it_is_not_bound(load, name, definition):
    text = CELL.replace("t = 0 [s] in [s] bind time", definition)
    with pytest.raises(BadModel, match="time"):
        load(text, voltage="a.V")
    named = load(text, voltage="a.V", time=name, stimulus="pulse")
    assert named.equations.time().qname() == "clock.t"
    assert slopes(named)["a.V"] == pytest.approx(0.02)


def test_time_of_the_text_gives_way_to_the_study(load):
    text = CELL.replace("phase = clock.t", "phase = u").replace("[a]\n", "[a]\nu = 0 [s] in [s]\n")
    named = load(text, voltage="a.V", time="u", stimulus="pulse")
    assert named.equations.time().qname() == "a.u"


@pytest.mark.parametrize(
    ("naming", "sentence"),
    [
        ({"voltage": "U"}, r"voltage: found 'U', expected one of .*a\.V"),
        ({"voltage": "c"}, r"voltage: found 'c', expected one of a\.c, b\.c"),
        ({"voltage": "a.c"}, r"the voltage a\.c is not a state variable"),
        ({"voltage": "w"}, r"a\.w has the unit none, must be a voltage's"),
        ({"voltage": "a.V"}, r"a\.V depends on time itself through a\.pulse"),
        ({"voltage": "a.V", "time": "x"}, "time: found 'x'"),
        ({"voltage": "a.V", "time": "a.w"}, "time|bound"),
        ({"voltage": "a.V", "stimulus": "x"}, "stimulus: found 'x'"),
        ({"voltage": "a.V", "stimulus": "a.w"}, r"stimulus a\.w is a state variable or the time"),
        ({"voltage": "a.V", "stimulus": "t"}, r"stimulus clock\.t is a state variable or the time"),
    ],
)
def test_what_cannot_be_is_a_sentence(load, naming, sentence):
    with pytest.raises(BadModel, match=sentence) as caught:
        load(CELL.replace("[V]\n\n[b]", "[V]\n[b]"), **naming)
    assert "\n" not in str(caught.value)


def test_usual_names_are_found(load):
    text = CELL.replace("W", "soma").replace("pulse", "I_stim")
    model = load(text)
    assert model.found[:2] == ("voltage a.V, by its name", "stimulus a.I_stim set to zero")
    assert slopes(model)["a.V"] == pytest.approx(0.02)


def test_constant_called_like_a_stimulus_stays(load):
    """Only what depends on time is taken for one: a constant of that name may be a current."""
    text = CELL.replace("if(phase < 0.001 [s], 50 [V/s], 0 [V/s])", "1 [V/s]")
    model = load(text.replace("pulse", "i_stim").replace("W", "soma"))
    assert slopes(model)["a.V"] == pytest.approx(1.02)
    assert slopes(load(text.replace("pulse", "i_stim"), voltage="a.V", stimulus="i_stim"))[
        "a.V"
    ] == pytest.approx(0.02)


def test_label_of_the_text_gives_way_to_the_study(load):
    text = CELL.replace("- W) in [V]", "- W) in [V] label membrane_potential")
    assert load(text, stimulus="pulse").voltage.qname() == "b.W"
    model = load(text, voltage="a.V", stimulus="pulse")
    assert model.voltage.qname() == "a.V"
    assert model.equations.label("membrane_potential").qname() == "a.V"


def test_derivative_in_another_equation(load):
    """w follows the voltage's derivative: both keep their values, in the new units."""
    text = CELL.replace("dot(w) = (1 - w) * 4 [1/s]", "dot(w) = 0.1 [1/V] * dot(V)")
    model = load(text, voltage="a.V", stimulus="pulse")
    assert slopes(model) == pytest.approx({"a.V": 0.02, "a.w": 2e-6, "b.W": -3e-5}, rel=1e-12)
    assert model.equations.count_states() == 3


def test_derivative_of_each_other_and_of_itself_is_no_kernels_business(load):
    text = CELL.replace("dot(w) = (1 - w) * 4 [1/s]", "dot(w) = 0.1 [1/V] * dot(V) + dot(w)")
    with pytest.raises(BadModel):
        load(text, voltage="a.V", stimulus="pulse")


def test_tolerant_units(load):
    odd = CELL.replace("(1 - w) * 4 [1/s]", "(1 - w) * 4 [1/s] + c * 1 [mV]")
    with pytest.raises(BadModel, match="nit"):
        load(odd, voltage="a.V", stimulus="pulse")
    model = load(odd, voltage="a.V", stimulus="pulse", units="tolerant")
    assert slopes(model)["a.V"] == pytest.approx(0.02)
    with pytest.raises(BadModel, match="must be a time's"):
        load(odd.replace("[s] bind", "[m] bind"), voltage="a.V", units="tolerant")


BARE = """\
[[model]]
a.V = -60
a.w = 0.5

[clock]
t = 0 bind time
real = 0 bind realtime

[a]
dot(V) = -0.1 * (V + 80) * w
dot(w) = (1 - w) / 5
"""


def test_units_that_are_nowhere_are_assumed_on_request(load):
    with pytest.raises(BadModel, match=r"clock\.t has the unit none.*`units: assumed`"):
        load(BARE, voltage="a.V", units="tolerant")
    model = load(BARE, units="assumed")
    assert slopes(model) == pytest.approx({"a.V": -1.0, "a.w": 0.1}, rel=1e-12)
    assert "clock.t taken to be in [ms]" in model.found
    assert "a.V taken to be in [mV]" in model.found
    with pytest.raises(BadModel, match="must be a time's"):
        load(BARE.replace("bind time", "in [m] bind time"), units="assumed")


def test_what_a_bound_variable_says_itself_needs_no_unit(load):
    """Time's value comes from the simulation: the text's zero is never used."""
    model = load(CELL.replace("t = 0 [s] in", "t = 0 in"), voltage="a.V", stimulus="pulse")
    assert slopes(model)["a.V"] == pytest.approx(0.02)


def test_a_binding_that_equations_ask_for_is_refused(load):
    with pytest.raises(BadModel, match=r"clock\.real is bound to realtime"):
        load(BARE.replace("(1 - w) / 5", "clock.real * w"), units="assumed")
