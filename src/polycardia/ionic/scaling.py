"""Factors on a cell model's constants: the same everywhere, or one for each node."""

from collections.abc import Mapping, Sequence

import myokit

from polycardia.ionic.model import CellModel, find_constant


def with_scaling(model: CellModel, factors: Mapping[str, float]) -> CellModel:
    """Return ``model`` with some constants multiplied.

    What is computed from a constant follows it: its own equation is multiplied, not its value.

    Args:
        model: the equations.
        factors: [1] by the name of the constant.

    Raises:
        BadModel: a name is not that of one constant.
    """
    equations = model.equations.clone()
    for name, factor in factors.items():
        constant = find_constant(equations, name, model.name)
        constant.set_rhs(myokit.Multiply(myokit.Number(float(factor)), constant.rhs()))
    return CellModel(model.name, equations, model.found)


def with_factors(model: CellModel, names: Sequence[str]) -> tuple[CellModel, tuple[str, ...]]:
    """Return ``model`` with a factor on each of some constants, and the factors' own names.

    A factor is a constant with the value 1.  Handed to the kernel as node parameters the factors
    need no knowledge of the constants' values, and those that are computed from others follow.

    Raises:
        BadModel: a name is not that of one constant.
    """
    if not names:
        return model, ()
    equations = model.equations.clone()
    component = equations.add_component_allow_renaming("node_factors")
    factors = []
    for k, name in enumerate(names):
        constant = find_constant(equations, name, model.name)
        factor = component.add_variable(f"factor_{k}")
        factor.set_rhs(myokit.Number(1))
        constant.set_rhs(myokit.Multiply(myokit.Name(factor), constant.rhs()))
        factors.append(factor.qname())
    equations.validate()
    return CellModel(model.name, equations, model.found), tuple(factors)
