"""The shape of a heart as a few ellipsoids, and the sizes that it is made to have.

The heart's own frame [mm]: the base is the plane z = 0, the apex points to -z, and the right
ventricle lies towards +x.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from polycardia.errors import BadStudy
from polycardia.physics.mesh import Floats

MYOCARDIUM_DENSITY = 1.05e-3  # [g/mm^3], the 1.05 g/mL by which MR turns volume into mass

# Proportions of a healthy heart at end diastole.  They fix the shape and not the size, have no
# published range of their own, and were set beside segmented hearts.
BASE_ABOVE_EQUATOR = 0.30  # of the LV's long semi-axis
RV_BEGINS = -0.20  # of the LV's outer radius: where the RV's ellipsoid begins, inside the LV
RV_HALF_WIDTH = 1.12  # of the LV's outer radius: anterior to inferior
RV_LENGTH = 0.93  # of the LV cavity's length
RV_TILT = np.radians(14.0)  # the RV's apex leans towards the LV's
TIP_ROUNDING = 10.0  # [mm] over which the RV cavity's edges at the septum are rounded
GROOVE_FILLING = 8.0  # [mm] over which the interventricular grooves are filled


@dataclass(frozen=True)
class Sizes:
    """What the heart is made to measure at end diastole.

    Attributes:
        lv_volume: LV cavity below the base [mL].
        lv_mass: LV wall with the septum [g].
        rv_volume: RV cavity below the base [mL].
        rv_wall: RV free wall [mm].
        lv_sphericity: LV cavity's widest diameter over its length.
    """

    lv_volume: float
    lv_mass: float
    rv_volume: float
    rv_wall: float
    lv_sphericity: float


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid, aligned with the axes but for a turn about y.

    Attributes:
        centre: (x, y, z) [mm].
        semi_axes: along x, y, z [mm], before the turn.
        tilt: [rad], moves the end at -z towards -x.
    """

    centre: tuple[float, float, float]
    semi_axes: tuple[float, float, float]
    tilt: float = 0.0

    def distance(self, points: Floats) -> Floats:
        """Return the signed distance [mm] to first order, exactly 0 on the surface, < 0 inside.

        The level divided by the length of its gradient, as usual for implicit surfaces
        (Taubin, IEEE PAMI 13 (1991) 1115).
        """
        axes = np.array(self.semi_axes)
        scaled = (points - np.array(self.centre)) @ (self.turn() / axes)
        level = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
        slope = np.sqrt(np.einsum("ij,ij->i", scaled / axes, scaled / axes))
        centre = level < 1e-6
        values = level * (level - 1.0) / np.where(centre, 1.0, slope)
        return np.where(centre, -axes.min(), values)

    def turn(self) -> Floats:
        """Return the ``(3, 3)`` rotation whose columns are the directions of the semi-axes."""
        cosine, sine = np.cos(self.tilt), np.sin(self.tilt)
        return np.array([[cosine, 0.0, sine], [0.0, 1.0, 0.0], [-sine, 0.0, cosine]])

    def half_extent(self) -> Floats:
        """Return ``(3,)`` half sizes [mm] of the box around the ellipsoid."""
        return np.asarray(np.linalg.norm(self.turn() * np.array(self.semi_axes), axis=1))

    def grown(self, wall: float) -> "Ellipsoid":
        """Return the ellipsoid with semi-axes longer by ``wall`` [mm]."""
        x, y, z = self.semi_axes
        return replace(self, semi_axes=(x + wall, y + wall, z + wall))

    def volume_below_base(self) -> float:
        """Return the volume [mm^3] of the part with z < 0, for no tilt and a centre with z < 0."""
        x, y, z = self.semi_axes
        cut = min(-self.centre[2] / z, 1.0)
        return float(np.pi * x * y * z * (2.0 / 3.0 + cut - cut**3 / 3.0))


@dataclass(frozen=True)
class HeartShape:
    """Both ventricles as implicit surfaces; all distances [mm] are negative inside.

    The wall is ``(LV outer or RV outer) and not LV cavity and not RV cavity``, where the RV
    cavity is its ellipsoid without the outer LV, so that the septum is the LV's wall.
    """

    lv_inner: Ellipsoid
    lv_outer: Ellipsoid
    rv_inner: Ellipsoid
    rv_outer: Ellipsoid

    def lv_cavity(self, points: Floats) -> Floats:
        return self.lv_inner.distance(points)

    def rv_cavity(self, points: Floats) -> Floats:
        septum = -self.lv_outer.distance(points)
        return _rounded_maximum(self.rv_inner.distance(points), septum, TIP_ROUNDING)

    def outside(self, points: Floats) -> Floats:
        """Return the distance to the epicardium, negative within the heart."""
        lv, rv = self.lv_outer.distance(points), self.rv_outer.distance(points)
        return -_rounded_maximum(-lv, -rv, GROOVE_FILLING)

    def layers(self, points: Floats) -> Floats:
        """Return ``(3, n)`` distances: to LV cavity, RV cavity, epicardium; all < 0 in the wall."""
        return np.stack([-self.lv_cavity(points), -self.rv_cavity(points), self.outside(points)])

    def wall(self, points: Floats) -> Floats:
        """Return ``(n,)`` distances to the nearest wall surface, negative in the myocardium."""
        return np.asarray(self.layers(points).max(axis=0))

    def thinnest_wall(self) -> float:
        """Return the least difference [mm] between outer and inner semi-axes."""
        shells = ((self.lv_inner, self.lv_outer), (self.rv_inner, self.rv_outer))
        return min(
            outer_axis - inner_axis
            for inner, outer in shells
            for inner_axis, outer_axis in zip(inner.semi_axes, outer.semi_axes, strict=True)
        )

    def bounds(self) -> tuple[Floats, Floats]:
        """Return the lower and upper corner [mm] of a box around the heart below the base."""
        shells = (self.lv_outer, self.rv_outer)
        centres = np.array([shell.centre for shell in shells])
        halves = np.array([shell.half_extent() for shell in shells])
        lower = (centres - halves).min(axis=0) - GROOVE_FILLING
        upper = (centres + halves).max(axis=0) + GROOVE_FILLING
        upper[2] = 0.0
        return lower, upper


def _rounded_maximum(first: Floats, second: Floats, width: float) -> Floats:
    """Return the larger of both, raised where they differ by less than ``width`` [mm]."""
    overlap = np.maximum(width - np.abs(first - second), 0.0)
    return np.asarray(np.maximum(first, second) + overlap**2 / (4.0 * width))


def shape_of(sizes: Sizes) -> HeartShape:
    """Return the heart that has these sizes.

    The LV's cavity and wall follow in closed form and by a bracketed root; the RV's reach is
    found so that its cavity, with rounded edges and without the septum, has its volume.

    Raises:
        BadStudy: no heart of these proportions has such sizes.
    """
    lv_inner = _lv_cavity_of(sizes)
    lv_outer = lv_inner.grown(lv_wall_of(sizes))

    def shape(reach: float) -> HeartShape:
        rv_inner = _rv_cavity_of(lv_inner, lv_outer, reach)
        rv_outer = rv_inner.grown(sizes.rv_wall)
        return HeartShape(lv_inner, lv_outer, rv_inner, rv_outer)

    def excess(reach: float) -> float:
        return rv_cavity_volume(shape(reach)) - 1e3 * sizes.rv_volume

    # Between a slit beside the septum and twice what any adult has.
    shortest, longest = 1.2 * lv_outer.semi_axes[0], 5.0 * lv_outer.semi_axes[0]
    if excess(shortest) > 0.0 or excess(longest) < 0.0:
        raise BadStudy(
            f"no right ventricle of {sizes.rv_volume:.0f} mL fits beside a left ventricle of "
            f"{sizes.lv_volume:.0f} mL and {sizes.lv_mass:.0f} g"
        )
    return shape(float(brentq(excess, shortest, longest, xtol=1e-3)))


def _lv_cavity_of(sizes: Sizes) -> Ellipsoid:
    unit_axis = 1.0 / (1.0 + BASE_ABOVE_EQUATOR)  # of the cavity's length
    unit_radius = 0.5 * sizes.lv_sphericity
    unit = Ellipsoid((0.0, 0.0, unit_axis - 1.0), (unit_radius, unit_radius, unit_axis))
    length = float(np.cbrt(1e3 * sizes.lv_volume / unit.volume_below_base()))
    radius, axis = unit_radius * length, unit_axis * length
    return Ellipsoid((0.0, 0.0, axis - length), (radius, radius, axis))


def lv_wall_of(sizes: Sizes) -> float:
    """Return the thickness [mm] at which the LV's wall has its mass."""
    cavity = _lv_cavity_of(sizes)
    target = cavity.volume_below_base() + sizes.lv_mass / MYOCARDIUM_DENSITY

    def excess(wall: float) -> float:
        return cavity.grown(wall).volume_below_base() - target

    return float(brentq(excess, 0.0, cavity.semi_axes[0]))


def _rv_cavity_of(lv_inner: Ellipsoid, lv_outer: Ellipsoid, reach: float) -> Ellipsoid:
    """Return the RV's ellipsoid that ends at x = ``reach`` [mm], before its tilt."""
    radius = lv_outer.semi_axes[0]
    depth = lv_inner.centre[2]
    length = RV_LENGTH * (lv_inner.semi_axes[2] - depth)
    begin = RV_BEGINS * radius
    centre = (0.5 * (begin + reach), 0.0, depth)
    semi_axes = (0.5 * (reach - begin), RV_HALF_WIDTH * radius, length + depth)
    return Ellipsoid(centre, semi_axes, RV_TILT)


def rv_cavity_volume(shape: HeartShape, *, spacing: float = 2.0) -> float:
    """Return the volume [mm^3] of the RV cavity, summed over cells of ``spacing`` [mm].

    A cell that the surface crosses counts by its share, to first order in the distance.
    """
    half = shape.rv_inner.half_extent() + spacing
    lower, upper = shape.rv_inner.centre - half, shape.rv_inner.centre + half
    axes = [
        np.arange(low, high, spacing) + 0.5 * spacing
        for low, high in zip(lower, upper, strict=True)
    ]
    axes[2] = np.arange(-0.5 * spacing, lower[2], -spacing)
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    share = np.clip(0.5 - shape.rv_cavity(grid) / spacing, 0.0, 1.0)
    return float(share.sum() * spacing**3)
