"""In which unit a heart is taken to be, and what is refused for its size."""

from dataclasses import replace

import numpy as np
import pytest
from admission import HEART

from polycardia.errors import BadMesh, BadStudy
from polycardia.physics.intake import admit


@pytest.mark.parametrize(("unit", "length"), [("m", 1e3), ("cm", 10.0), ("mm", 1.0), ("um", 1e-3)])
def test_units_become_millimetres(unit, length):
    source = HEART.source(points=HEART.points / length)
    for admitted in (admit(source, units=unit), admit(replace(source, declared_unit=unit))):
        np.testing.assert_allclose(admitted.mesh.points, HEART.points, rtol=1e-12, atol=1e-9)


def test_the_table_goes_before_the_file_and_the_file_before_the_custom():
    source = HEART.source(points=HEART.points / 10.0, declared_unit="cm", customary_unit="um")
    assert admit(source).mended == ()
    overruled = admit(replace(source, declared_unit="m"), units="cm")
    assert overruled.mended == ("the file declares m, the table's cm was used",)
    assumed = admit(HEART.source(points=1000.0 * HEART.points, customary_unit="um"))
    assert assumed.mended == ("no unit given: um assumed, 134 mm across",)


@pytest.mark.parametrize(
    ("factor", "units", "sentence"),
    [
        (0.001, None, r"0\.1342 mm across with the unit mm \(assumed\), .* 250 mm: m would fit"),
        (0.1, "mm", r"13\.42 mm across with the unit mm \(given\), .* 250 mm: cm would fit"),
        (1000.0, "mm", r"1\.342e\+05 mm across .* 250 mm: um would fit"),
        (1.0, "um", r"0\.1342 mm across with the unit um \(given\), .* 250 mm: mm would fit"),
        (1.0 / 3.0, None, r"44\.72 mm across .*: none of m, cm, mm, um would fit"),
    ],
)
def test_a_heart_of_the_wrong_size_is_refused_with_the_unit_that_fits(factor, units, sentence):
    with pytest.raises(BadMesh, match=sentence):
        admit(HEART.source(points=factor * HEART.points), units=units)


def test_an_unknown_unit_is_the_studys_fault():
    with pytest.raises(BadStudy, match="found 'inch', expected one of m, cm, mm, um"):
        admit(HEART.source(), units="inch")
