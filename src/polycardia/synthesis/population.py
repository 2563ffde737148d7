"""Who the hearts belong to: healthy adults, drawn from published reference ranges.

Ventricles: Petersen et al., J Cardiovasc Magn Reson 19 (2017) 18,
doi 10.1186/s12968-017-0327-9: 368 men and 432 women of the UK Biobank, 45 to 74 years old,
healthy, with a body mass index below 30 kg/m2; mean and SD per sex of end-diastolic volumes
and LV mass indexed to body surface area, trabeculae counted as blood.  Drawing the indexed
values and multiplying by a drawn body surface area gives the absolute ones (men 166 mL,
103 g, 182 mL; women 124 mL, 70 g, 130 mL) together with their dependence on body size.

Height: means of the Health Survey for England 2019 (NHS Digital, part 4, trends); SDs of
Jelenkovic et al., eLife 5 (2016) e20320.  Weight: from a body mass index whose mean gives the
body surface area at which the first paper's indexed and absolute values agree (1.95 and
1.68 m2 by Mosteller's formula).  Heart rate: both sexes, at rest and supine, Gonzales et al.,
the Fenland study, doi 10.1101/2020.07.01.20144154.

LV wall: volume, mass and shape give it, and a draw counts only if it lies within the range
measured at mid-cavity by Kawel et al., Circ Cardiovasc Imaging 5 (2012) 500,
doi 10.1161/CIRCIMAGING.112.973560.

Not published, and chosen here: the correlations and the SD of the body mass index.  Age is
drawn evenly and changes nothing else.  QRS and QT are left out: a duration drawn without
regard to the heart would look like a measurement of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from polycardia.physics.mesh import Floats
from polycardia.synthesis.anatomy import Sizes, lv_wall_of

WOMEN = 432 / 800
AGES = (45, 74)  # [y], both included
CENTRAL = 1.96  # [SD]: a reference range holds the central 95 %
BODY_MASS_INDEX = (18.5, 30.0)  # [kg/m2], from WHO's underweight to the paper's exclusion
BODY_MASS_INDEX_SPREAD = 2.5  # [kg/m2]
HEART_RATE = (63.5, 8.9)  # [1/min], mean and SD
# The middle of the anatomical 3 to 5 mm (Ho and Nihoyannopoulos, Heart 92 (2006) i2).
RV_WALL = (4.0, 0.25)  # [mm], mean and SD
LV_SPHERICITY = (0.60, 0.025)  # a proportion, as those of `anatomy`
# LV volume, LV mass, RV volume: what the left ventricle ejects passes the right one too, and
# a wall grows with the cavity it empties.
CORRELATION = np.array([[1.0, 0.6, 0.9], [0.6, 1.0, 0.55], [0.9, 0.55, 1.0]])


@dataclass(frozen=True)
class Reference:
    """One sex's published figures.

    Attributes:
        height: mean and SD [cm].
        body_mass_index: mean [kg/m2].
        indexed_mean: LV volume [mL/m2], LV mass [g/m2], RV volume [mL/m2].
        indexed_spread: their SDs.
        lv_wall: mean and SD [mm].
    """

    height: tuple[float, float]
    body_mass_index: float
    indexed_mean: tuple[float, float, float]
    indexed_spread: tuple[float, float, float]
    lv_wall: tuple[float, float]


REFERENCES: Mapping[str, Reference] = {
    "F": Reference((161.7, 7.1), 24.0, (74.0, 42.0, 77.0), (12.0, 7.0, 13.0), (5.3, 0.9)),
    "M": Reference((175.5, 7.6), 25.3, (85.0, 53.0, 93.0), (15.0, 9.0, 17.0), (6.3, 1.1)),
}


@dataclass(frozen=True)
class Person:
    """A drawn adult.

    Attributes:
        sex: "F" or "M".
        age: [y].
        height: [cm].
        weight: [kg].
        heart_rate: at rest [1/min].
        sizes: of the heart.
    """

    sex: str
    age: int
    height: float
    weight: float
    heart_rate: int
    sizes: Sizes


def body_surface_area(height: float, weight: float) -> float:
    """Return [m2] from [cm] and [kg] (Mosteller, N Engl J Med 317 (1987) 1098)."""
    return float(np.sqrt(height * weight / 3600.0))


def draw_person(rng: np.random.Generator) -> Person:
    """Return an adult whose every figure lies within its reference range."""
    sex = "F" if rng.random() < WOMEN else "M"
    reference = REFERENCES[sex]
    age = int(rng.integers(AGES[0], AGES[1], endpoint=True))
    # Rounded before use, so that the table's own figures give the sizes.
    height = round(_within(rng, *reference.height), 1)
    index = _within(rng, reference.body_mass_index, BODY_MASS_INDEX_SPREAD, bounds=BODY_MASS_INDEX)
    weight = round(index * (height / 100.0) ** 2, 1)
    sizes = _draw_sizes(rng, reference, body_surface_area(height, weight))
    return Person(sex, age, height, weight, round(_within(rng, *HEART_RATE)), sizes)


def _draw_sizes(rng: np.random.Generator, reference: Reference, area: float) -> Sizes:
    """Return a heart for a body surface area [m2] whose LV wall is within its range too."""
    mean, spread = np.array(reference.indexed_mean), np.array(reference.indexed_spread)
    usual_wall, wall_spread = reference.lv_wall
    while True:
        drawn = area * (mean + _correlated(rng) * spread)
        lv_volume, lv_mass, rv_volume = (round(float(size), 1) for size in drawn)
        sizes = Sizes(
            lv_volume=lv_volume,
            lv_mass=lv_mass,
            rv_volume=rv_volume,
            rv_wall=round(_within(rng, *RV_WALL), 2),
            lv_sphericity=round(_within(rng, *LV_SPHERICITY), 3),
        )
        if abs(lv_wall_of(sizes) - usual_wall) <= CENTRAL * wall_spread:
            return sizes


def _within(
    rng: np.random.Generator,
    mean: float,
    spread: float,
    *,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> float:
    """Return a normal draw from the central 95 % and from within ``bounds``, by rejection."""
    lowest = max(mean - CENTRAL * spread, bounds[0])
    highest = min(mean + CENTRAL * spread, bounds[1])
    while True:
        value = float(rng.normal(mean, spread))
        if lowest <= value <= highest:
            return value


def _correlated(rng: np.random.Generator) -> Floats:
    """Return ``(3,)`` correlated deviations [SD], each from the central 95 %, by rejection."""
    factor = np.linalg.cholesky(CORRELATION)
    while True:
        deviation = np.asarray(factor @ rng.standard_normal(3))
        if (np.abs(deviation) <= CENTRAL).all():
            return deviation
