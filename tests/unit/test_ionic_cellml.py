import copy
import re
import time
from functools import partial

import numpy as np
import pytest
from cellml_texts import ANNOTATION, LEAK, LEAK_2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from refusals import refused_with

from polycardia.errors import BadModel
from polycardia.ionic.generator import c_source
from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model
from polycardia.ionic.roles import Naming

LONGEST = 10.0  # [s] for the slowest text; the bound is that of a machine with other work
TOLERANT = Naming(units="tolerant")


@pytest.fixture
def written(written):
    return partial(written, name="cell.cellml")


def derivatives(model):
    names = [state.qname() for state in model.equations.states()]
    return dict(zip(names, model.equations.evaluate_derivatives(), strict=True))


@pytest.mark.parametrize("text", [LEAK, LEAK_2, LEAK.replace("cellml/1.1#", "cellml/1.0#")])
def test_every_version_is_read_and_seconds_become_ms(written, text):
    """dV/dt = 100/s 0.2 5 mV = 0.1 mV/ms, dx/dt = 0.8 / 5 ms."""
    model = load_model(written(text))
    assert derivatives(model) == pytest.approx({"membrane.V": 0.1, "membrane.x": 0.16}, rel=1e-14)
    assert model.found == (
        "voltage membrane.V, by its name",
        "stimulus membrane.i_Stim set to zero",
        "clock.time converted from [s] to [ms]",
    )


def test_volts_become_mV(written):
    text = LEAK.replace('<unit units="volt" prefix="milli"/>', '<unit units="volt"/>')
    model = load_model(written(text))
    assert model.voltage.initial_value(as_float=True) == -80e3
    assert derivatives(model) == pytest.approx({"membrane.V": 100.0, "membrane.x": 0.16})


def test_gate_in_seconds_still_takes_its_exact_step(written, kernels):
    """1 - 0.8 exp(-20 / 5) after one step of 20 ms; forward Euler would end at 3.4."""
    kernel = build(load_model(written(LEAK)), cache=kernels)
    voltage, states = kernel.resting(1)
    kernel.advance(voltage, states, 20.0)
    assert states[0, 0] == pytest.approx(1.0 - 0.8 * np.exp(-4.0), rel=1e-12)


def test_initial_value_may_be_another_constants(written):
    text = LEAK.replace(
        'name="V" units="mV" initial_value="-80"', 'name="V" units="mV" initial_value="E"'
    )
    assert load_model(written(text)).voltage.initial_value(as_float=True) == -75.0


def test_annotation_goes_before_names(written):
    other = '<variable name="Vm" units="mV" initial_value="0"/>'
    equation = (
        "<apply><eq/><apply><diff/><bvar><ci>time</ci></bvar><ci>Vm</ci></apply>"
        '<cn cellml:units="mV_per_s">0</cn></apply></math>'
    )
    text = LEAK.replace("<math", other + "<math").replace("</math>", equation)
    with pytest.raises(BadModel, match=r"membrane\.V, membrane\.Vm might be it, expected one"):
        load_model(written(text))
    annotated = load_model(written(text.replace("</model>\n", ANNOTATION)))
    assert annotated.voltage.qname() == "membrane.V"
    named = load_model(written(text), Naming(voltage="Vm"))
    assert named.voltage.qname() == "membrane.Vm"


def test_documentation_and_foreign_elements_are_passed_over(written):
    foreign = (
        '<documentation xmlns="http://cellml.org/tmp-documentation"><p>x<b/></p></documentation>'
    )
    model = load_model(written(LEAK.replace("</model>", foreign + "</model>")))
    assert derivatives(model)["membrane.V"] == pytest.approx(0.1)


APPLY_X = '<apply><minus/><cn cellml:units="dimensionless">1</cn><ci>x</ci></apply>'
BAD = {
    "not XML": ("</model>", "", "not well-formed XML"),
    "another language": ("cellml/1.1#", "sbml/1.1#", "not a CellML 1.0, 1.1 or 2.0 model"),
    "import": ("<units name=\"mV\">", '<import xmlns:xlink="http://www.w3.org/1999/xlink" '
               'xlink:href="other.cellml"/><units name="mV">', "line 4 imports another file"),
    "reaction": ("<math", "<reaction/><math", "has a reaction"),
    "partial derivative": ("<diff/>", "<partialdiff/>", "has a partial derivative"),
    "integral": ("<divide/>", "<int/>", "has an integral"),
    "delay": ("<ci>tau</ci>", '<csymbol definitionURL="http://www.sbml.org/sbml/symbols/delay"/>',
              "has a delay, only ordinary differential equations"),
    "symbol": ("<ci>tau</ci>", '<csymbol definitionURL="my/avogadro"/>', "the symbol avogadro"),
    "unknown function": ("<divide/>", "<factorial/>", "factorial"),
    "second derivative": ("<bvar><ci>time</ci></bvar><ci>x</ci>", "<bvar><ci>time</ci><degree>"
                          '<cn cellml:units="dimensionless">2</cn></degree></bvar><ci>x</ci>',
                          "derivative|order"),
    "DAE": ("<apply><eq/><ci>i_Stim</ci>", "<apply><eq/><apply><plus/><ci>i_Stim</ci>"
            "<ci>i_Stim</ci></apply>", "left-hand side"),
    "two variables of integration": ("<bvar><ci>time</ci></bvar><ci>x</ci>",
                                     "<bvar><ci>tau</ci></bvar><ci>x</ci>", "more than one"),
    "unit that is not there": ('name="E" units="mV"', 'name="E" units="MV"', "MV"),
    "units do not add up": ('name="E" units="mV"', 'name="E" units="second"', "nit"),
    "no voltage": ('units="volt" prefix="milli"', 'units="ampere"', "has a voltage's unit"),
    "no time's unit": ('"time" units="second"', '"time" units="dimensionless"', "must be a time's"),
    "stimulus under another name": ("i_Stim", "pulse", "depends on time itself through "
                                    r"membrane\.pulse; `stimulus` in the config"),
    "variable without a value": (' initial_value="-75"', "", "E"),
    "state without a value": (' initial_value="0.2"', "", "x"),
    "variable that is not there": ("<ci>tau</ci>", "<ci>tua</ci>", "tua"),
    "new base unit": ('<unit units="volt" prefix="milli"/></units>', '<unit units="cell"/></units>'
                      '<units name="cell" base_units="yes"/>', "cell|mV"),
    "division by nothing": (APPLY_X, "", "divide|operand|Divi|two"),
    "Python": ("<ci>tau</ci>", "<ci>__import__('os').system('true')</ci>", "__import__"),
    "Python for a number": ('initial_value="0.2"', 'initial_value="exec(1)"', "exec"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_text_is_refused_with_a_sentence(written, case):
    old, new, expected = BAD[case]
    assert old in LEAK
    assert re.search(expected, refused_with(written(LEAK.replace(old, new))))


def test_reset_rule_is_refused(written):
    with pytest.raises(BadModel, match="has a reset rule"):
        load_model(written(LEAK_2.replace("<math", "<reset/><math", 1)))


def test_tolerant_units_still_need_voltage_and_time(written):
    odd = LEAK.replace('name="E" units="mV"', 'name="E" units="second"')
    with pytest.raises(BadModel):
        load_model(written(odd))
    assert derivatives(load_model(written(odd), TOLERANT))["membrane.V"] == pytest.approx(0.1)
    for case in ("no voltage", "no time's unit"):
        old, new, expected = BAD[case]
        with pytest.raises(BadModel, match=expected):
            load_model(written(LEAK.replace(old, new)), TOLERANT)


def timed_refusal(path):
    started = time.monotonic()
    with pytest.raises(BadModel) as caught:
        load_model(path)
    assert time.monotonic() - started < LONGEST
    assert len(str(caught.value)) < 1000
    assert "\n" not in str(caught.value)
    return str(caught.value)


LAUGHS = "".join(f'<!ENTITY l{k} "{f"&l{k - 1};" * 10}">' for k in range(1, 12))
HOSTILE = {
    "entities that multiply": (
        f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><model>&l11;</model>',
        "document type",
    ),
    "a file of this machine": (
        '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
        '<model xmlns="http://www.cellml.org/cellml/1.0#" name="&f;"/>',
        "document type",
    ),
    "an address": (
        '<!DOCTYPE model SYSTEM "http://localhost:1/x.dtd"><model>&x;</model>',
        "document type",
    ),
    "another encoding": (
        '<?xml version="1.0" encoding="UTF-7"?>+ADw-!DOCTYPE x+AD4-<model/>',
        "not",
    ),
    "depth": (LEAK.replace("<ci>tau</ci>", "<apply>" * 3000 + "</apply>" * 3000), "depth"),
    "moderate depth": (
        LEAK.replace("<ci>tau</ci>", "<apply><abs/>" * 200 + "<ci>tau</ci>" + "</apply>" * 200),
        "deep",
    ),
    "elements": (LEAK.replace("<ci>tau</ci>", "<ci/>" * 60_000), "60.*elements, expected at most"),
    "variables": (
        LEAK.replace(
            "<math", "".join(f'<variable name="v{k}" units="mV"/>' for k in range(8000)) + "<math"
        ),
        "variables, expected at most",
    ),
    "10 MB": (LEAK + " " * 10_000_000, "bytes"),
    "a long sum": (
        LEAK.replace("<ci>tau</ci>", "<apply><plus/>" + "<ci>tau</ci>" * 30_000 + "</apply>"),
        "nested|entangled",
    ),
    "null bytes": ("\0" * 1000, "XML|text"),
    "nothing": ("", "XML"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_text_is_refused_in_bounded_time(written, case):
    text, expected = HOSTILE[case]
    assert re.search(expected, timed_refusal(written(text)))


def test_equations_that_double_sixty_times_are_refused(written):
    """Written into one another they have 2^60 terms."""
    variables = "".join(f'<variable name="d{k}" units="second"/>' for k in range(60))
    equations = "".join(
        f"<apply><eq/><ci>d{k}</ci><apply><plus/><ci>{below}</ci><ci>{below}</ci></apply></apply>"
        for k, below in enumerate(["tau", *(f"d{k}" for k in range(59))])
    )
    text = LEAK.replace("<math", variables + "<math").replace("</math>", equations + "</math>")
    assert "too entangled" in timed_refusal(written(text))


@settings(
    max_examples=150, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    places=st.lists(st.tuples(st.integers(0, len(LEAK) - 1), st.integers(0, 40)), max_size=4),
    what=st.sampled_from(
        ["", "<", ">", "&", '"', "0", "-", "1e999", "<ci>V</ci>", "</apply>", "<apply/>", "units",
         "<![CDATA[", "]]>", "&#0;", "é", "\u202e", "<math/>", 'xmlns="x"', "V", "time"]
    ),
)  # fmt: skip
def test_spoilt_text_is_a_model_or_a_sentence(written, places, what):
    """Whatever is cut out of a text or put into it."""
    text = LEAK
    for at, length in places:
        text = text[:at] + what + text[at + length :]
    said = refusal(written(text))
    assert "\n" not in said
    assert len(said) < 1000


@settings(
    max_examples=200, deadline=2000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), source=st.sampled_from([LEAK, LEAK_2]))
def test_well_formed_nonsense_is_a_model_or_a_sentence(written, data, source):
    """Elements moved, copied, removed and renamed, so that Myokit's parser sees them."""
    root = etree.fromstring(source.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        elements = list(root.iter())
        one, other = (elements[data.draw(st.integers(1, len(elements) - 1))] for _ in range(2))
        act = data.draw(st.sampled_from(["copy", "remove", "rename", "text", "attribute"]))
        if act == "copy":
            other.append(copy.deepcopy(one))
        elif act == "remove":
            one.getparent().remove(one)
        elif act == "rename":
            one.tag = other.tag
        elif act == "text":
            one.text = data.draw(st.sampled_from(["", "V", "time", "0", "-1e400", "nan", "x y"]))
        else:
            name = data.draw(st.sampled_from([*one.attrib, "type", "name", "units", "base"]))
            words = ["", "V", "mV", "yes", "1e999", "e-notation", "in", "celsius", "x" * 2000]
            one.set(name, data.draw(st.sampled_from(words)))
    said = refusal(written(etree.tostring(root).decode()))
    assert "\n" not in said
    assert len(said) < 1000


def refusal(path):
    """What is said of a text, or nothing if it is a model."""
    try:
        c_source(load_model(path))
    except BadModel as error:
        return str(error)
    return ""
