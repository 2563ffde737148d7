"""Errors that one rank has and all raise: here on one; tests/mpi has more of them."""

import pytest

from polycardia.errors import BadStudy, MachineTrouble
from polycardia.solver.agreement import agreed, from_first
from polycardia.solver.partition import alone


def fail() -> int:
    raise BadStudy("no")


def test_what_the_first_rank_makes_or_raises_is_everyones() -> None:
    assert from_first(alone(), lambda: 3) == 3
    with pytest.raises(BadStudy, match=r"^no$"):
        from_first(alone(), fail)


def test_a_block_that_fails_on_purpose_raises_the_same() -> None:
    with agreed(alone()):
        found = 3
    assert found == 3
    with pytest.raises(MachineTrouble, match="no compiler"), agreed(alone()):
        raise MachineTrouble("no compiler")


def test_what_nobody_expected_is_not_agreed_on() -> None:
    """The other ranks may be anywhere; `partition.world` ends them."""
    with pytest.raises(ZeroDivisionError), agreed(alone()):
        _ = 1 // 0
