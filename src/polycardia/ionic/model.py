"""Reading a cell model's text: Myokit's equations, with their units checked.

A model is data.  Of a ``.mmt`` file only the model section is read; protocols and scripts
that Myokit's own tools would run are passed over, and nothing in a file is ever executed.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import myokit

from polycardia.errors import BadModel
from polycardia.ionic.models import FOLDER, MODELS

MAX_BYTES = 1_000_000
"""A model's text is some 10 kB; anything beyond this is not one."""

OTHER_SECTIONS = ("[[protocol]]", "[[script]]")
"""What ends the model's section."""

INPUTS_AT_ZERO = ("pace", "diffusion_current")
"""Myokit's names of what tissue supplies itself: stimulus and coupling current."""


@dataclass(frozen=True)
class CellModel:
    """Equations of a membrane, their units checked.

    Attributes:
        name: as it was asked for.
        equations: a `myokit.Model`; time in ms, voltage in mV, currents in A/F.
    """

    name: str
    equations: Any

    @property
    def text(self) -> str:
        """The model in ``.mmt`` form, with what was overridden: the same text, the same cell."""
        return str(self.equations.code())

    @property
    def voltage(self) -> Any:
        """The `myokit.Variable` of the membrane voltage [mV]."""
        return self.equations.label("membrane_potential")

    @property
    def gates_and_concentrations(self) -> list[Any]:
        """The state variables other than the voltage, in the order of the text."""
        return [state for state in self.equations.states() if state is not self.voltage]


def load_model(source: str | Path) -> CellModel:
    """Load a cell model by its name or from a file.

    Args:
        source: one of `polycardia.ionic.models.MODELS`, or the path of a ``.mmt`` file
            or of a ``.toml`` file that says how a cell type differs from a ``.mmt`` one.

    Raises:
        BadModel: there is no such model, or its text, units or shape are wrong.
    """
    name = str(source)
    path = _shipped(name) if name in MODELS else Path(name)
    if path.suffix == ".toml":
        equations = _variant(path)
    elif path.suffix == ".mmt":
        equations = _parsed(path)
    else:
        raise BadModel(f"cell model {name}: neither a .mmt file nor one of {', '.join(MODELS)}")
    _check(equations, name)
    return CellModel(name, equations)


def with_constants(model: CellModel, values: Mapping[str, float]) -> CellModel:
    """Return ``model`` with other values for some constants, in the units of its text.

    Raises:
        BadModel: a name is not that of one constant.
    """
    equations = model.equations.clone()
    for name, value in values.items():
        constant = find_constant(equations, name, model.name)
        constant.set_rhs(myokit.Number(float(value), constant.unit()))
    return CellModel(model.name, equations)


def find_constant(equations: Any, name: str, model: str) -> Any:
    """Return the constant called ``name``, or ``component.name`` where that is needed.

    Raises:
        BadModel: no variable has that name, several have, or it is not a constant.
    """
    found = [
        variable
        for variable in equations.variables(deep=True)
        if name in (variable.name(), variable.qname())
    ]
    if len(found) > 1:
        raise BadModel(
            f"cell model {model}: {name} may be any of "
            f"{', '.join(variable.qname() for variable in found)}; give the whole name"
        )
    if not found or not found[0].is_constant():
        known = ", ".join(v.name() for v in equations.variables(const=True, deep=True))
        raise BadModel(f"cell model {model}: {name} is not one of its constants: {known}")
    return found[0]


def _shipped(name: str) -> Path:
    mmt = FOLDER / f"{name}.mmt"
    return mmt if mmt.exists() else mmt.with_suffix(".toml")


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadModel(f"{path}: over {MAX_BYTES} bytes, so not the text of a cell model")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadModel(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadModel(f"{path}: not a text file") from None


def _parsed(path: Path) -> Any:
    """Parse the model section of a ``.mmt`` file."""
    lines = list(
        takewhile(lambda line: line.strip() not in OTHER_SECTIONS, _read(path).split("\n"))
    )
    if "[[model]]" not in (line.strip() for line in lines):
        raise BadModel(f"{path}: no [[model]] section")
    try:
        return myokit.parse(lines)[0]
    except myokit.MyokitError as error:
        raise BadModel(f"{path}: {_sentence(error)}") from None
    except RecursionError:
        raise BadModel(f"{path}: brackets nested too deeply") from None


def _variant(path: Path) -> Any:
    """Apply a ``.toml`` file's constants and initial values to the model that it names."""
    try:
        variant = tomllib.loads(_read(path))
    except tomllib.TOMLDecodeError as error:
        raise BadModel(f"{path}: {error}") from None
    unknown = set(variant) - {"model", "constants", "initial"}
    if unknown or not isinstance(variant.get("model"), str):
        raise BadModel(f"{path}: needs model = ..., and may have [constants] and [initial] only")
    base = path.parent / variant["model"]
    if base.suffix != ".mmt":
        raise BadModel(f"{path}: model must name a .mmt file, not {variant['model']}")
    equations = _parsed(base)
    for name, value in _numbers(variant, "constants", path).items():
        constant = find_constant(equations, name, str(path))
        constant.set_rhs(myokit.Number(value, constant.unit()))
    states = {state.qname(): state for state in equations.states()}
    for name, value in _numbers(variant, "initial", path).items():
        if name not in states:
            raise BadModel(f"{path}: {name} is not one of the states {', '.join(states)}")
        states[name].set_initial_value(value)
    return equations


def _numbers(variant: dict[str, Any], section: str, path: Path) -> dict[str, float]:
    values = variant.get(section, {})
    if not isinstance(values, dict) or not all(type(v) in (int, float) for v in values.values()):
        raise BadModel(f'{path}: [{section}] takes lines of the form "name" = number')
    return {name: float(value) for name, value in values.items()}


def _check(equations: Any, name: str) -> None:
    """Raise `BadModel` unless tissue can be made of these equations."""
    try:
        equations.validate()
        equations.check_units(myokit.UNIT_STRICT)
    except myokit.MyokitError as error:
        raise BadModel(f"cell model {name}: {_sentence(error)}") from None
    voltage = equations.label("membrane_potential")
    if voltage is None or not voltage.is_state():
        raise BadModel(f"cell model {name}: no state variable carries the label membrane_potential")
    _check_unit(voltage, myokit.units.mV, "mV", name)
    _check_unit(equations.time(), myokit.units.ms, "ms", name)
    for binding, variable in equations.bindings():
        if binding in INPUTS_AT_ZERO:
            variable.set_binding(None)
            variable.set_rhs(myokit.Number(0, variable.unit()))
        elif binding != "time":
            raise BadModel(
                f"cell model {name}: {variable.qname()} is bound to {binding}, "
                f"only time, {' and '.join(INPUTS_AT_ZERO)} can be"
            )
    for state in equations.states():
        if equations.time() in _inputs(state):
            raise BadModel(
                f"cell model {name}: the derivative of {state.qname()} depends on time itself"
            )


def _check_unit(variable: Any, unit: Any, symbol: str, name: str) -> None:
    if variable.unit() != unit:
        found = "none" if variable.unit() is None else str(variable.unit())
        raise BadModel(
            f"cell model {name}: {variable.qname()} has the unit {found}, must be [{symbol}]"
        )


def _inputs(state: Any) -> set[Any]:
    """Return all variables that the derivative of ``state`` depends on, other than states."""
    found: set[Any] = set()
    pending = [state.rhs()]
    while pending:
        for reference in pending.pop().references():
            variable = reference.var()
            if not variable.is_state() and variable not in found:
                found.add(variable)
                pending.append(variable.rhs())
    return found


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())
