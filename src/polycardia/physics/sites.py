"""Where activation starts: endocardial sites of both ventricles.

A site is data: a ventricle, a height along the left ventricle's long axis, and a direction
around the cavity; when it starts is the protocol's.  The healthy human pattern is that of D. Durrer
et al., "Total excitation of the isolated human heart", Circulation 41 (1970) 899-912: the left
ventricle starts within 5 ms at three areas (high on the anterior paraseptal wall, central on the
septum and somewhat anterior, posterior paraseptal at a third of the way from apex to base), the
right one 5 to 10 ms after them, near the insertion of its anterior papillary muscle.  The paper
gives places in words; the heights, directions and times of the default are ours.  The posterior
area lies at half the height instead of a third: the fast layer is slower than a Purkinje tree, and
from further down the wave would run up the wall to the base and turn the frontal leads of the ECG
over.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from polycardia import config
from polycardia.errors import BadMesh, BadStudy
from polycardia.physics.axes import HeartAxes, surface_centroid
from polycardia.physics.heart import Site
from polycardia.physics.mesh import Boundary, Floats, Surface
from polycardia.physics.places import Cloud, nodes_in_ball, site_of

RADIUS = 3.0  # [mm]
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
    """

    name: str
    ventricle: Literal["lv", "rv"]
    apicobasal: float
    rotation: float

    def __post_init__(self) -> None:
        if self.ventricle not in ENDOCARDIUM:
            raise BadStudy(f"site {self.name}: ventricle {self.ventricle!r}, allowed are lv and rv")
        if not 0.0 <= self.apicobasal <= 1.0:
            raise BadStudy(f"site {self.name}: height {self.apicobasal}, allowed is 0 to 1")
        if not np.isfinite(self.rotation):
            raise BadStudy(f"site {self.name}: rotation {self.rotation}, need a number of degrees")


DEFAULT_SITES = tuple(
    ActivationSite(site.name, site.ventricle, site.apicobasal, site.rotation)
    for site in config.DEFAULT_SITES
)


def place_sites(
    cloud: Cloud,
    boundary: Boundary,
    axes: HeartAxes,
    sites: Sequence[ActivationSite] = DEFAULT_SITES,
    radius: float = RADIUS,
) -> list[Site]:
    """Nodes at which activation starts.

    Each site takes all nodes within ``radius`` of its place on the endocardium, also across a thin
    wall or a narrow cavity, so
    that what is stimulated keeps its volume when the mesh is refined; on a coarse mesh at least
    a few of the nearest nodes.  A site's first node is the one in the middle.

    Args:
        cloud: the heart's nodes.
        boundary: its boundary with labels.
        axes: its frame.
        sites: any number.
        radius: [mm].

    Raises:
        BadStudy: the radius is not positive.
        BadMesh: a site falls on no endocardium.
    """
    if not 0.0 < radius < np.inf:
        raise BadStudy(f"radius of the activation sites {radius} mm, allowed is more than 0")
    placed = []
    for site in sites:
        centre = cloud.points[endocardial_node(cloud.points, boundary, axes, site)]
        placed.append(site_of(cloud, site.name, nodes_in_ball(cloud.points, centre, radius)))
    return placed


def endocardial_node(
    points: Floats, boundary: Boundary, axes: HeartAxes, site: ActivationSite
) -> int:
    """Return the endocardial node nearest to where a ray from the middle of the cavity meets it.

    Args:
        points: ``(n, 3)`` the heart's nodes [mm].
        boundary: its boundary with labels.
        axes: its frame.
        site: where.

    Raises:
        BadMesh: the site falls on no endocardium.
    """
    triangles = boundary.triangles[boundary.label == ENDOCARDIUM[site.ventricle]]
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
