"""Where and when activation starts: endocardial sites of both ventricles.

A site is data: a ventricle, a height along the left ventricle's long axis, and a direction
around the cavity.  The healthy human pattern is that of D. Durrer et al., "Total excitation of
the isolated human heart", Circulation 41 (1970) 899-912: the left ventricle starts within 5 ms
at three areas (high on the anterior paraseptal wall, central on the septum and somewhat
anterior, posterior paraseptal at a third of the way from apex to base), the right one 5 to
10 ms after them, near the insertion of its anterior papillary muscle.  The paper gives places
in words; the heights, directions and times below are ours.  The posterior area lies at half the
height instead of a third: the fast layer is slower than a Purkinje tree, and from further down the
wave would run up the wall to the base and turn the frontal leads of the ECG over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from polycardia.errors import BadMesh, BadStudy
from polycardia.physics.axes import HeartAxes, surface_centroid
from polycardia.physics.heart import Site
from polycardia.physics.mesh import Boundary, Floats, Integers, Surface, TetMesh

RADIUS = 3.0  # [mm]
FEWEST_NODES = 4
BAND = 0.1  # of the ventricle's length: the endocardium that counts as at a site's height
LARGEST_MISS = 0.1  # of the ventricle's length, between a site and the nearest endocardium

ENDOCARDIUM = {"lv": Surface.LV_ENDO, "rv": Surface.RV_ENDO}
TOWARDS_SEPTUM = {"lv": 1.0, "rv": -1.0}  # along `HeartAxes.septal`


@dataclass(frozen=True)
class ActivationSite:
    """Where activation starts, for any heart.

    Attributes:
        name: for messages and records.
        ventricle: whose endocardium.
        apicobasal: height along the left ventricle's long axis, 0 at its apex, 1 at its base.
        rotation: direction seen from the middle of the ventricle's own cavity at that height
            [degrees]: 0 the septum, 90 anterior, 180 the free wall, 270 (or -90) posterior.
        time: [ms].
    """

    name: str
    ventricle: Literal["lv", "rv"]
    apicobasal: float
    rotation: float
    time: float

    def __post_init__(self) -> None:
        if self.ventricle not in ENDOCARDIUM:
            raise BadStudy(f"site {self.name}: ventricle {self.ventricle!r}, allowed are lv and rv")
        if not 0.0 <= self.apicobasal <= 1.0:
            raise BadStudy(f"site {self.name}: height {self.apicobasal}, allowed is 0 to 1")
        if not np.isfinite(self.rotation):
            raise BadStudy(f"site {self.name}: rotation {self.rotation}, need a number of degrees")
        if not 0.0 <= self.time < np.inf:
            raise BadStudy(f"site {self.name}: time {self.time} ms, allowed is 0 or later")


DEFAULT_SITES = (
    ActivationSite("lv_anterior_paraseptal", "lv", 0.70, 60.0, 0.0),
    ActivationSite("lv_mid_septal", "lv", 0.50, 10.0, 0.0),
    ActivationSite("lv_posterior_paraseptal", "lv", 0.50, -60.0, 0.0),
    ActivationSite("rv_anterior_papillary", "rv", 0.35, 140.0, 10.0),
    ActivationSite("rv_septal", "rv", 0.40, 0.0, 15.0),
)


def place_sites(
    mesh: TetMesh,
    boundary: Boundary,
    axes: HeartAxes,
    sites: Sequence[ActivationSite] = DEFAULT_SITES,
    radius: float = RADIUS,
) -> list[Site]:
    """Nodes at which activation starts.

    Each site takes all nodes within ``radius`` of its place on the endocardium, also across a thin
    wall or a narrow cavity, so
    that what is stimulated keeps its volume when the mesh is refined; on a coarse mesh at least
    the `FEWEST_NODES` nearest nodes.  A site's first node is the one in the middle.

    Args:
        mesh: the heart.
        boundary: its boundary with labels.
        axes: its frame.
        sites: at least one.
        radius: [mm].

    Raises:
        BadStudy: there are no sites, or the radius is not positive.
        BadMesh: a site falls on no endocardium.
    """
    if not sites:
        raise BadStudy("no activation sites given, need at least one")
    if not 0.0 < radius < np.inf:
        raise BadStudy(f"radius of the activation sites {radius} mm, allowed is more than 0")
    placed = []
    for site in sites:
        triangles = boundary.triangles[boundary.label == ENDOCARDIUM[site.ventricle]]
        centre = mesh.points[_centre_node(mesh.points, triangles, axes, site)]
        away = np.linalg.norm(mesh.points - centre, axis=1)
        count = max(FEWEST_NODES, int(np.count_nonzero(away <= radius)))
        nearest = np.argpartition(away, count - 1)[:count]
        nodes = nearest[np.argsort(away[nearest], kind="stable")]
        placed.append(Site(site.name, nodes, site.time))
    return placed


def _centre_node(points: Floats, triangles: Integers, axes: HeartAxes, site: ActivationSite) -> int:
    """The endocardial node nearest to where a ray from the middle of the cavity meets it."""
    middle = points[triangles].mean(axis=1)
    heights = axes.height(middle)
    ring = np.abs(heights - site.apicobasal) <= BAND
    if not ring.any():
        raise BadMesh(
            f"site {site.name} at height {site.apicobasal:.2f} finds no {site.ventricle} "
            f"endocardium, which spans {heights.min():.2f} to {heights.max():.2f}"
        )
    start = surface_centroid(points[triangles[ring]])
    start = start + (site.apicobasal - axes.height(start)) * axes.length * axes.long
    angle = np.radians(site.rotation)
    ray = TOWARDS_SEPTUM[site.ventricle] * np.cos(angle) * axes.septal
    ray = ray + np.sin(angle) * axes.anterior

    nodes = np.unique(triangles)
    offset = points[nodes] - start
    along = offset @ ray
    miss = np.linalg.norm(offset - along[:, None] * ray, axis=1)
    miss[along <= 0.0] = np.inf
    best = int(np.argmin(miss))
    if not miss[best] <= LARGEST_MISS * axes.length:
        raise BadMesh(
            f"site {site.name} at height {site.apicobasal:.2f} and {site.rotation:.0f} degrees "
            f"is {miss[best]:.1f} mm from the nearest {site.ventricle} endocardium, "
            f"allowed are {LARGEST_MISS * axes.length:.1f} mm"
        )
    return int(nodes[best])
