"""Reading a cell model's text: Myokit's equations, with their units checked.

A model is data.  Of a ``.mmt`` file only the model section is read; protocols and scripts
that Myokit's own tools would run are passed over, and nothing in a file is ever executed.
CellML files are read by `polycardia.ionic.cellml`.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import myokit

from polycardia.errors import BadModel
from polycardia.ionic.cellml import MAX_VARIABLES, parse_cellml
from polycardia.ionic.models import FOLDER, MODELS
from polycardia.ionic.roles import Naming, assign_roles
from polycardia.ionic.text import read_text
from polycardia.ionic.wording import sentence

TEXTS = (".mmt", ".cellml")
"""How files with equations end."""

BOUND_TIME = re.compile(r"\bbind +time\b")
COMPONENT = re.compile(r"\[(\w+)\]")
DEFINITION = re.compile(r" {0,3}(\w+) *=")

OTHER_SECTIONS = ("[[protocol]]", "[[script]]")
"""What ends the model's section."""

AS_WRITTEN = Naming()
"""The file says everything itself, and its units add up."""


@dataclass(frozen=True)
class CellModel:
    """Equations of a membrane, their units checked.

    Attributes:
        name: as it was asked for.
        equations: a `myokit.Model`; time in ms, voltage in mV, its derivative in mV/ms.
        found: what was found or converted without the text saying so, a sentence each.
    """

    name: str
    equations: Any
    found: tuple[str, ...] = ()

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


def load_model(source: str | Path, naming: Naming = AS_WRITTEN) -> CellModel:
    """Load a cell model by its name or from a file.

    Args:
        source: one of `polycardia.ionic.models.MODELS`, or the path of a ``.mmt`` file, of a
            CellML file, or of a ``.toml`` file that says how a cell type differs from one.
        naming: what the file does not say itself.

    Raises:
        BadModel: there is no such model, or its text, units or shape are wrong.
    """
    name = str(source)
    path = _shipped(name) if name in MODELS else Path(name)
    if path.suffix == ".toml":
        equations = _variant(path, naming)
    elif path.suffix in TEXTS:
        equations = _parsed(path, naming)
    else:
        raise BadModel(
            f"cell model {name}: neither a file {' or '.join(TEXTS)} nor one of {', '.join(MODELS)}"
        )
    found = assign_roles(equations, naming, f"cell model {name}")
    return CellModel(name, equations, found)


def with_constants(model: CellModel, values: Mapping[str, float]) -> CellModel:
    """Return ``model`` with other values for some constants, in the units of its text.

    Raises:
        BadModel: a name is not that of one constant.
    """
    equations = model.equations.clone()
    for name, value in values.items():
        constant = find_constant(equations, name, model.name)
        constant.set_rhs(myokit.Number(float(value), constant.unit()))
    return CellModel(model.name, equations, model.found)


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


def _parsed(path: Path, naming: Naming) -> Any:
    """Parse a text in either language."""
    if path.suffix == ".cellml":
        return parse_cellml(read_text(path), str(path), tolerant=naming.units != "strict")
    return _parsed_mmt(path, naming)


def _parsed_mmt(path: Path, naming: Naming) -> Any:
    """Parse the model section of a ``.mmt`` file."""
    lines = list(
        takewhile(lambda line: line.strip() not in OTHER_SECTIONS, read_text(path).split("\n"))
    )
    if "[[model]]" not in (line.strip() for line in lines):
        raise BadModel(f"{path}: no [[model]] section")
    equations = sum("=" in line for line in lines)
    if equations > MAX_VARIABLES:
        raise BadModel(f"{path}: {equations} equations, expected at most {MAX_VARIABLES}")
    if naming.time is not None and not any(BOUND_TIME.search(line) for line in lines):
        lines = _with_time_bound(lines, naming.time)
    try:
        return myokit.parse(lines)[0]
    except myokit.MyokitError as error:
        raise BadModel(f"{path}: {sentence(error)}") from None
    except RecursionError:
        raise BadModel(f"{path}: brackets nested too deeply") from None


def _with_time_bound(lines: list[str], time: str) -> list[str]:
    """Bind the variable that the study names: Myokit takes no text without a time.

    Where there is no such variable the lines stay as they are, and Myokit says what they lack.
    """
    wanted, _, name = time.rpartition(".")
    component = ""
    for number, line in enumerate(lines):
        if header := COMPONENT.match(line):
            component = header[1]
        defined = DEFINITION.match(line)
        if defined and defined[1] == name and wanted in ("", component):
            return [*lines[: number + 1], "        bind time", *lines[number + 1 :]]
    return lines


def _variant(path: Path, naming: Naming) -> Any:
    """Apply a ``.toml`` file's constants and initial values to the model that it names."""
    try:
        variant = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise BadModel(f"{path}: {error}") from None
    except RecursionError:
        raise BadModel(f"{path}: brackets nested too deeply") from None
    unknown = set(variant) - {"model", "constants", "initial"}
    if unknown or not isinstance(variant.get("model"), str):
        raise BadModel(f"{path}: needs model = ..., and may have [constants] and [initial] only")
    base = path.parent / variant["model"]
    if base.suffix not in TEXTS:
        raise BadModel(f"{path}: model must name a {' or '.join(TEXTS)} file, not {base.name}")
    equations = _parsed(base, naming)
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
