"""A checkpoint is refused with a sentence that names what differs, with both values."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from polycardia import SOLVER_VERSION
from polycardia.config import Numerics, Simulation, Tissue
from polycardia.ionic.kernel import Kernel
from polycardia.solver.membrane import CellType
from polycardia.solver.recorders import Recorders
from polycardia.study import checkpoint
from polycardia.study.checkpoint import Run, difference, flat, identity


def settings_of(**changes: Any) -> dict[str, object]:
    return flat(Simulation(**changes).model_dump(mode="json"))


def test_the_same_settings_differ_in_nothing() -> None:
    assert difference(settings_of(), settings_of()) is None


def test_the_first_setting_that_differs_is_named_with_both_values() -> None:
    kept, now = settings_of(), settings_of(numerics=Numerics(dt=0.05))
    assert difference(kept, now) == ("numerics.dt differs: the checkpoint has 0.025, this run 0.05")
    now = settings_of(tissue=Tissue(capacitance=0.02))
    assert difference(kept, now) == (
        "tissue.capacitance differs: the checkpoint has 0.01, this run 0.02"
    )


def test_what_only_one_of_them_has_is_named() -> None:
    assert difference({"a": 1}, {"a": 1, "b": None}) == (
        "b differs: the checkpoint has nothing, this run null"
    )
    assert difference({"heart": "12"}, {}) == (
        'heart differs: the checkpoint has "12", this run nothing'
    )


def test_settings_without_entries_are_settings_too() -> None:
    assert flat({"a": {}, "b": {"c": [1, 2], "d": {"e": None}}}) == {
        "a": {}, "b.c": [1, 2], "b.d.e": None,
    }  # fmt: skip


@dataclass
class Small:
    """What decides the numbers of a small run, to be changed one at a time."""

    folder: Path
    solver: int = SOLVER_VERSION
    numerics: Numerics = field(default_factory=Numerics)
    point: float = 1.0
    model: str = "{}"
    state: str = "gate.h"
    n_leads: int = 2
    host: str = "one"

    def identity(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
        monkeypatch.setattr(checkpoint, "SOLVER_VERSION", self.solver)
        heart, layer = self.folder / "prepared.h5", self.folder / "midwall.json"
        with h5py.File(heart, "w") as file:
            file["mesh/points"] = np.full((4, 3), self.point)
            file.create_group("provenance").attrs["host"] = self.host
        layer.write_text(self.model)
        settings = Simulation(numerics=self.numerics)
        kernel = Kernel("toy", "0", (self.state,), (), 0.0, (1.0,), None, None)
        return identity(
            Run(heart, settings, {"midwall": layer}, self.folder / "s1.vtkhdf"),
            [CellType(kernel, 0.0, np.ones(1))],
            Recorders(np.zeros(4), np.zeros((self.n_leads, 4)), settings),
        )


CHANGES: dict[str, Callable[[Small], Small]] = {
    "numerics.dt": lambda small: replace(small, numerics=Numerics(dt=0.05)),
    "heart": lambda small: replace(small, point=2.0),
    "model midwall": lambda small: replace(small, model="{ }"),
    "solver version": lambda small: replace(small, solver=small.solver + 1),
    "states midwall": lambda small: replace(small, state="gate.j"),
    "recorded electrogram/potentials": lambda small: replace(small, n_leads=3),
}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_decides_the_numbers_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    small = Small(tmp_path)
    kept, now = (each.identity(monkeypatch) for each in (small, CHANGES[name](small)))
    said = difference(kept, now)
    assert said is not None
    assert said.startswith(f"{name} differs: the checkpoint has ")


def test_who_prepared_the_heart_is_not_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Small(tmp_path)
    both = (each.identity(monkeypatch) for each in (small, replace(small, host="other")))
    assert difference(*both) is None
