import os
import re
import shutil

import pytest
from refusals import refused_with

from polycardia.errors import BadModel
from polycardia.ionic.generator import c_source
from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model, with_constants
from polycardia.ionic.models import FOLDER, MODELS, model_files

LEAK = """\
[[model]]
name: leak
membrane.V = -80
gate.x = 0.2

[engine]
time = 0 [ms] in [ms] bind time

[membrane]
g = 0.1 [mS/uF] in [mS/uF]
E = -80 [mV] in [mV]
i_ion = g * gate.x * (V - E) in [A/F]
dot(V) = -i_ion in [mV] label membrane_potential

[gate]
tau = 5 [ms] in [ms]
inf = 1 / (1 + exp(-membrane.V / 10 [mV]))
dot(x) = (inf - x) / tau
"""


def test_users_own_file(written):
    model = load_model(written(LEAK))
    assert model.voltage.qname() == "membrane.V"
    assert [state.qname() for state in model.gates_and_concentrations] == ["gate.x"]


BAD = {
    "units do not add up": ("- E)", "- gate.tau)", r"\[mV\].*\[ms\]|\[ms\].*\[mV\]"),
    "derivative of the wrong unit": ("dot(x) = (inf - x) / tau", "dot(x) = inf - x", "unit"),
    "number without a unit": ("E = -80 [mV]", "E = -80", "nit"),
    "syntax": ("[membrane]", "[membrane", r"line 9"),
    "unknown function": ("exp(", "tanh(", "tanh"),
    "unknown variable": ("g * gate.x", "g * gate.y", "gate.y"),
    "call of Python": ("0.1 [mS/uF] in", "__import__('os').system('true') in", "line 10"),
    "no voltage": ("-i_ion in [mV] label membrane_potential", "-i_ion / E",
                   "no state variable carries the label"),
    "voltage is no state": ("E = -80 [mV] in [mV]", "E = -80 [mV] in [mV] label membrane_potential",
                            "membrane_potential"),
    "label on a constant": ("-i_ion in [mV] label", "-i_ion in [mV]\nl = 1 [mV] in [mV] label",
                            "not a state variable"),
    "volts": ("dot(V) = -i_ion in [mV]", "dot(V) = -i_ion in [V]", "nit"),
    "seconds": ("0 [ms] in [ms] bind time", "0 [s] in [s] bind time", "nit"),
    "no time": (" bind time", "", "time"),
    "time in the equations": ("0.1 [mS/uF] in", "0.1 [mS/uF/ms] * engine.time in",
                              "depends on time"),
    "circle": ("tau = 5 [ms]", "tau = 1 [ms] * inf * tau / tau", "yclic|self|Unused"),
    "foreign input": ("tau = 5 [ms] in [ms]", "tau = 5 [ms] in [ms] bind temperature",
                      "temperature"),
    "protocol only": ("[[model]]", "[[protocol]]", "rror|model"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_text_is_refused_with_a_sentence(written, case):
    old, new, expected = BAD[case]
    assert old in LEAK
    assert re.search(expected, refused_with(written(LEAK.replace(old, new))))


@pytest.mark.parametrize("text", ["", "\x00\x01", "[[model]]\n", "hello", "((((" * 30_000])
def test_file_that_is_no_model(written, text):
    with pytest.raises(BadModel):
        load_model(written(text))


def test_nesting_beyond_reason(written):
    deep = "(" * 5000 + "1" + ")" * 5000
    with pytest.raises(BadModel):
        load_model(written(LEAK.replace("exp(", deep + " * exp(")))


def test_file_too_large_or_not_text(written, tmp_path):
    with pytest.raises(BadModel, match="bytes"):
        load_model(written("#" * 1_000_001))
    (tmp_path / "cell.mmt").write_bytes(b"\xff\xfe\x00[[model]]")
    with pytest.raises(BadModel, match="text"):
        load_model(tmp_path / "cell.mmt")


def test_text_that_would_keep_everybody_waiting(written):
    doubled = "".join(f"d{k + 1} = d{k} + d{k}\n" for k in range(60)).replace("d0", "V", 2)
    with pytest.raises(BadModel, match="too entangled"):
        load_model(written(LEAK.replace("[gate]", doubled.replace("\n", " in [mV]\n") + "[gate]")))
    many = "".join(f"c{k} = 1\n" for k in range(5000))
    with pytest.raises(BadModel, match="5010 equations, expected at most 4000"):
        load_model(written(LEAK.replace("[gate]", many + "[gate]")))


@pytest.mark.parametrize("name", ["tp07", "tp06_epi.py", "missing.mmt", "../tp06_epi", ""])
def test_no_such_model(name):
    with pytest.raises(BadModel):
        load_model(name)


def test_unknown_name_lists_what_there_is():
    with pytest.raises(BadModel, match=", ".join(MODELS)):
        load_model("tp07")


def test_script_in_the_file_is_not_run(written, tmp_path):
    script = f"\n[[script]]\nopen({str(tmp_path / 'ran')!r}, 'w')\nimport not_there\n"
    model = load_model(written(LEAK + script))
    c_source(model)
    assert not (tmp_path / "ran").exists()
    assert "open" not in model.text


def test_stimulus_of_the_text_is_taken_out(written):
    paced = LEAK.replace("= -i_ion in", "= -i_ion + 5 [A/F] * p in")
    paced = paced.replace("i_ion =", "p = 1 bind pace\ni_ion =")
    with_pace, without = load_model(written(paced)), load_model(written(LEAK, "leak.mmt"))
    assert with_pace.equations.evaluate_derivatives() == without.equations.evaluate_derivatives()


def test_constants_are_found_by_either_name(written):
    model = load_model(written(LEAK))
    for name in ("g", "membrane.g"):
        assert with_constants(model, {name: 0.3}).equations.get("membrane.g").eval() == 0.3
    assert model.equations.get("membrane.g").eval() == 0.1
    assert with_constants(model, {"g": 0.3}).text != model.text


@pytest.mark.parametrize("name", ["g_ks", "V", "x", "i_ion", "time", "inf"])
def test_name_that_is_no_constant(written, name):
    with pytest.raises(BadModel, match=f"{name} is not one of its constants: .*g"):
        with_constants(load_model(written(LEAK)), {name: 1.0})


def test_name_that_two_constants_have(written):
    model = load_model(written(LEAK.replace("tau = 5", "g = 1\ntau = 5")))
    with pytest.raises(BadModel, match=r"membrane\.g, gate\.g"):
        with_constants(model, {"g": 1.0})


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("g_to", "g_tt", "g_tt"),
        ("[constants]", "[parameters]", "constants"),
        ("0.073", '"0.073"', "number"),
        ("tp06_epi.mmt", "tp06_end.mmt", "tp06_end.mmt"),
        ("tp06_epi.mmt", "tp06_endo.toml", "must name a .mmt or .cellml"),
        ("i_to.s", "i_to.q", "i_to.q"),
        ("[initial]", "[initial", "line"),
    ],
)
def test_bad_variant(tmp_path, old, new, expected):
    shutil.copy(FOLDER / "tp06_epi.mmt", tmp_path)
    text = (FOLDER / "tp06_endo.toml").read_text()
    assert old in text
    (tmp_path / "mine.toml").write_text(text.replace(old, new))
    with pytest.raises(BadModel, match=expected):
        load_model(tmp_path / "mine.toml")


def test_variants_differ_in_what_they_say():
    epi, endo, mid = (load_model(f"tp06_{layer}").equations for layer in ("epi", "endo", "mid"))
    assert [each.get("i_to.g_to").eval() for each in (epi, endo, mid)] == [0.294, 0.073, 0.294]
    assert [each.get("i_ks.g_ks").eval() for each in (epi, endo, mid)] == [0.392, 0.392, 0.098]


def test_slab_benchmarks_initial_state():
    """Niederer et al. 2011: the benchmark's results depend on it."""
    found = load_model("tp06_epi").equations.initial_values(as_floats=True)
    assert found == [
        *(-85.23, 0.00621, 0.4712, 0.0095, 0.00172, 0.7444, 0.7045, 3.373e-5, 0.7888, 0.9755),
        *(0.9953, 0.999998, 2.42e-8, 0.000126, 3.64, 0.00036, 0.9073, 8.604, 136.89),
    ]


def test_files_of_a_users_own_model(tmp_path):
    variant = tmp_path / "mine.toml"
    variant.write_text('model = "base.mmt"')
    assert model_files(str(variant)) == [variant, tmp_path / "base.mmt"]
    assert model_files("tp06_endo") == []


@pytest.mark.timeout(30)
def test_asking_for_a_models_files_reads_no_pipe(tmp_path):
    """The workflow asks while it is parsed, and reading a pipe waits for somebody to write."""
    pipe = tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    assert model_files(str(pipe)) == [pipe]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('model = "base.mmt"\n' + "#" * 1_000_000, "over 1000000 bytes, so not the text of"),
        ("model = " + "[" * 100_000, "brackets nested too deeply"),
    ],
)
def test_a_variant_that_is_none_is_left_to_who_loads_it(tmp_path, text, sentence):
    variant = tmp_path / "mine.toml"
    variant.write_text(text)
    assert model_files(str(variant)) == [variant]
    with pytest.raises(BadModel, match=sentence):
        load_model(variant)


@pytest.mark.parametrize("start", ["1 / 0", "1e999", "exp(1000)"])
def test_an_initial_value_that_is_none_is_named(written, tmp_path, start):
    text = LEAK.replace("gate.x = ", f"gate.x = {start} # ", 1)
    assert text != LEAK
    with pytest.raises(BadModel, match=r"gate\.x"):
        build(load_model(written(text)), cache=tmp_path)
