"""The search for factors, on errors that are known in closed form."""

import numpy as np
import pytest

from polycardia.study.factor_search import TRIES, search

CLOSE = 0.01
RIGHT = np.array([[0.9, 0.5, 0.2], [1.1, 0.6, 0.1]])  # what leaves no errors


class Measured:
    """Errors like those of waves: a root of the factors, a little of the other row, neighbours."""

    def __init__(self, neighbour: float = 0.0) -> None:
        self.neighbour = neighbour
        self.asked: list[list[int]] = []

    def __call__(self, tried, columns):
        self.asked.append(list(columns))
        off = np.log(tried / RIGHT)
        error = 0.5 * off + 0.2 * off[::-1] + 0.1 * off**2
        error += self.neighbour * np.roll(off, 1, axis=1)
        return error[:, columns]


def test_all_errors_become_small_in_a_few_measurements():
    measured = Measured()
    found, largest = search(measured, np.ones((2, 3)), CLOSE)
    assert largest < CLOSE
    assert np.abs(measured(found, np.arange(3))).max() == pytest.approx(largest)
    assert len(measured.asked) - 1 <= TRIES


def test_a_column_whose_errors_are_small_is_measured_no_more():
    start = RIGHT * [[1.005, 1.3, 3.0]]
    measured = Measured()
    found, largest = search(measured, start, CLOSE)
    assert measured.asked[:2] == [[0, 1, 2], [1, 2]]
    assert found[:, 0] == pytest.approx(start[:, 0]), "close enough"
    assert largest < CLOSE


def test_columns_that_feel_each_other_a_little():
    found, _ = search(Measured(neighbour=0.05), 1.5 * RIGHT, CLOSE)
    left = Measured(neighbour=0.05)(found, np.arange(3))
    assert np.abs(left).max() < 3 * CLOSE


def test_the_best_of_all_tries_is_returned_and_vain_ones_end():
    errors = iter([0.3, 0.2, 0.4, 0.5, 0.1])
    tried = []

    def restless(factors, columns):
        tried.append(factors.copy())
        return np.full((2, len(columns)), next(errors))

    found, largest = search(restless, np.ones((2, 1)), CLOSE)
    assert len(tried) == 4, "two in a row were no better"
    assert largest == pytest.approx(0.2)
    assert found == pytest.approx(tried[1])


def test_where_no_wave_arrives_nothing_is_found():
    def none(factors, columns):
        return np.full((2, len(columns)), np.nan)

    found, largest = search(none, RIGHT, CLOSE)
    assert not largest < CLOSE
    assert found == pytest.approx(RIGHT)
