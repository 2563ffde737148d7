"""Which ions carry the stimulus: how the current that is added to the voltage changes them.

A cell whose stimulus brings charge without ions gains or loses the difference with every beat, and
has no limit cycle.  With the charge booked as potassium, as in the programs of the models'
authors, it has one: Hund et al., Biophys J 81 (2001) 3324, doi 10.1016/S0006-3495(01)75965-6.
"""

from collections.abc import Iterator
from typing import Any

import myokit

from polycardia.errors import BadModel
from polycardia.ionic.model import CellModel
from polycardia.ionic.pacing import Carrier

POTASSIUM = "potassium"
NOTHING = "nothing"
NAMES_OF_POTASSIUM = ("ki", "kintracellular", "potassiumi")
"""Of the state that is intracellular potassium, in small letters and without underscores."""

AGREEMENT = 1e-6  # relative, of a gain at one state of the cell with that at another
ELSEWHERE = 1.05  # the other state: the text's initial values times this


def find_carrier(model: CellModel, wanted: str) -> Carrier | None:
    """Return the concentration that a stimulus changes, and by how much.

    The stimulus is one more current of the ion, so its gain is that of the text's own currents.
    Of several the smallest is taken: exchangers and pumps move more ions than charges.

    Args:
        model: constants that are overridden included.
        wanted: `POTASSIUM` takes the model's potassium, where it has one that its currents
            change; `NOTHING` takes none; else a state's name, ``component.variable``.

    Raises:
        BadModel: ``wanted`` is not a state, or no current moves it in proportion to the voltage.
    """
    names = [state.qname() for state in model.gates_and_concentrations]
    if wanted == NOTHING:
        return None
    if wanted == POTASSIUM:
        found = [name for name in names if _plain(name) in NAMES_OF_POTASSIUM]
        gain = _gain(model, found[0]) if len(found) == 1 else None
        return None if gain is None else Carrier(found[0], names.index(found[0]), gain)
    if wanted not in names:
        raise BadModel(
            f"cell model {model.name}: stimulus carrier {wanted}: expected {POTASSIUM}, {NOTHING} "
            f"or one of the states {', '.join(names)}"
        )
    gain = _gain(model, wanted)
    if gain is None:
        raise BadModel(
            f"cell model {model.name}: stimulus carrier {wanted}: no current moves it in a fixed "
            "proportion to the voltage"
        )
    return Carrier(wanted, names.index(wanted), gain)


def _plain(name: str) -> str:
    return name.rsplit(".", 1)[-1].lower().replace("_", "")


def _gain(model: CellModel, name: str) -> float | None:
    """Return how far the concentration ``name`` moves with the voltage [mM/mV]; None if it varies.

    A buffered concentration moves less the more of it is bound, so its gain is not one number.
    """
    equations = model.equations.clone()
    initial = [float(value) for value in equations.initial_values(as_floats=True)]
    gains = []
    for state in (initial, [ELSEWHERE * value for value in initial]):
        slopes = _Slopes(equations, name, state)
        found = [gain for gain in slopes.gains(equations.get(name).rhs()) if gain > 0.0]
        gains.append(min(found, default=0.0))
    low, high = sorted(gains)
    return low if 0.0 < high <= low * (1.0 + AGREEMENT) else None


class _Slopes:
    """How variables move the derivatives of the voltage and of a concentration.

    Args:
        equations: changed for a moment only.
        name: of the concentration.
        state: ``(n_states,)`` where the derivatives are taken.
    """

    def __init__(self, equations: Any, name: str, state: list[float]) -> None:
        order = [each.qname() for each in equations.states()]
        voltage = equations.label("membrane_potential").qname()
        self._rows = order.index(voltage), order.index(name)
        self._equations, self._state = equations, state
        self._unmoved = self._evaluate()

    def gains(self, derivative: Any) -> Iterator[float]:
        """Yield those of the variables nearest to a derivative that also move the voltage."""
        for reference in sorted(derivative.references(), key=str):
            variable = reference.var()
            if variable.is_state() or not variable.is_intermediary():
                continue
            voltage, concentration = self._moved_by(variable)
            if voltage == 0.0:
                yield from self.gains(variable.rhs())
            else:
                yield concentration / voltage

    def _moved_by(self, variable: Any) -> tuple[float, float]:
        """Return what one unit more of a variable does to both derivatives."""
        rhs = variable.rhs()
        variable.set_rhs(myokit.Plus(rhs.clone(), myokit.Number(1, variable.unit())))
        moved = self._evaluate()
        variable.set_rhs(rhs)
        return moved[0] - self._unmoved[0], moved[1] - self._unmoved[1]

    def _evaluate(self) -> tuple[float, float]:
        values = self._equations.evaluate_derivatives(self._state, ignore_errors=True)
        voltage, concentration = (float(values[row]) for row in self._rows)
        return voltage, concentration
