r"""Ten electrodes around a heart that comes without a torso.

**Orientation.**  The chest is laid around the heart as a heart lies in an average chest.  The long
axis points 38 degrees below the horizontal in the frontal plane and 46 degrees forward in the
transverse plane (means of 94 healthy adults by cardiac MR: H. Engblom et al., Am. Heart J. 150
(2005) 507), so that base to apex is (left, anterior, inferior) = (1, tan 46, tan 38) normalised.
About that axis the heart is turned so that the plane of the long axis and the right ventricle,
the plane of the four-chamber view, cuts the frontal plane horizontally: ``septal`` has no
vertical part.

**Chest.**  An upright elliptic cylinder with the mean breadth and depth of adults, 280 mm and
250 mm (rounded means of both sexes, C. C. Gordon et al., 2012 Anthropometric Survey of U.S. Army
Personnel, NATICK/TR-15/007).  The centroid of the ventricles lies 30 mm left of its midline and
45 mm before its middle; these two and the distances in the table are typical figures, chosen by
hand.  V1 to V6 lie where the recommendations put them (P. Kligfield et al., Circulation 115
(2007) 1306).  The limbs' electrodes lie on the trunk, where R. E. Mason and I. Likar put them for
exercise (Am. Heart J. 71 (1966) 196): an unbounded medium has no limbs that would carry the
trunk's potential to wrists and ankles.  What it also lacks is the body's surface, which makes
real potentials larger, those of the limb leads most.

====  =====================================================================================
V1    right of the sternum, 30 mm from the midline, fourth intercostal space, 4 mm above the
      ventricles' centroid
V2    the same, left
V3    half way between V2 and V4
V4    midclavicular line, 85 mm left, at the height of the apex beat, 29 mm below V1 and V2
V5    level with V4, anterior axillary line: 30 degrees before the side
V6    level with V4, midaxillary line: at the side
RA    right infraclavicular fossa, 125 mm from the midline, 105 mm above the centroid
LA    the same, left
LL    left anterior axillary line between ribs and iliac crest, 205 mm below the centroid
RL    the same, right
====  =====================================================================================

**Size.**  All distances from the centroid grow with the cube root of the wall's volume over 150 mL,
about that of an average adult.  Muscle keeps its volume through the beat, so that systole and
diastole of one person get one chest.  Where an electrode would then come closer than `MARGIN` to
the heart's convex hull, all are moved outwards together.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from scipy.spatial import ConvexHull

from polycardia.physics.axes import HeartAxes, wall_centroid
from polycardia.physics.elements import volumes
from polycardia.physics.mesh import Floats, TetMesh

ELECTRODES = ("RA", "LA", "RL", "LL", "V1", "V2", "V3", "V4", "V5", "V6")

FRONTAL, TRANSVERSE = 38.0, 46.0  # [degrees]
BREADTH, DEPTH = 280.0, 250.0  # [mm]
MIDLINE, MIDDLE = 30.0, -45.0  # of the chest, right of and before the ventricles' centroid [mm]
CLAVICULAR_LEVEL, STERNAL_LEVEL, APEX_LEVEL, ILIAC_LEVEL = 105.0, 4.0, -25.0, -205.0  # [mm]
STERNAL_EDGE, MIDCLAVICULAR, INFRACLAVICULAR = 30.0, 85.0, 125.0  # from the midline [mm]
ANTERIOR_AXILLARY = 30.0  # before the side [degrees]

REFERENCE_VOLUME = 150e3  # [mm^3]
MARGIN = 10.0  # [mm]


def place_electrodes(
    mesh: TetMesh, axes: HeartAxes, moved: Mapping[str, Sequence[float]] = MappingProxyType({})
) -> Floats:
    """Places of the electrodes of a 12-lead ECG in the heart's own frame.

    Args:
        mesh: the heart.
        axes: its frame.
        moved: places that differ from the table, by electrode: right, anterior, superior of the
            ventricles' centroid in the reference adult [mm].

    Returns:
        ``(10, 3)`` [mm] in the order of `ELECTRODES`, each at least `MARGIN` outside of the heart.
    """
    chest = _chest()
    for name, place in moved.items():
        chest[ELECTRODES.index(name)] = place
    offset = chest @ body_frame(axes)
    scale = np.cbrt(volumes(mesh).sum() / REFERENCE_VOLUME)
    centre = wall_centroid(mesh)
    places: Floats = centre + max(scale, _smallest_scale(mesh, centre, offset)) * offset
    return places


def body_frame(axes: HeartAxes) -> Floats:
    """``(3, 3)`` with rows right, anterior, superior of the body, in the mesh's coordinates."""
    forward, down = np.tan(np.radians([TRANSVERSE, FRONTAL]))
    long = np.array([1.0, -forward, down])  # apex to base
    septal = np.array([forward, 1.0, 0.0])
    long, septal = long / np.linalg.norm(long), septal / np.linalg.norm(septal)
    in_body = np.stack([septal, np.cross(long, septal), long])
    frame: Floats = in_body.T @ axes.frame
    return frame


def _chest() -> Floats:
    """Electrodes of the reference adult from the ventricles' centroid, ``(10, 3)`` [mm].

    Columns are right, anterior, superior.
    """

    def on_chest(right: float, level: float) -> list[float]:
        forward = DEPTH / 2.0 * np.sqrt(1.0 - (right / (BREADTH / 2.0)) ** 2)
        return [right, float(forward), level]

    side = BREADTH / 2.0
    axillary = side * float(np.cos(np.radians(ANTERIOR_AXILLARY)))
    v3_right, v3_level = -(STERNAL_EDGE + MIDCLAVICULAR) / 2.0, (STERNAL_LEVEL + APEX_LEVEL) / 2.0
    places = {
        "RA": on_chest(INFRACLAVICULAR, CLAVICULAR_LEVEL),
        "LA": on_chest(-INFRACLAVICULAR, CLAVICULAR_LEVEL),
        "RL": on_chest(axillary, ILIAC_LEVEL),
        "LL": on_chest(-axillary, ILIAC_LEVEL),
        "V1": on_chest(STERNAL_EDGE, STERNAL_LEVEL),
        "V2": on_chest(-STERNAL_EDGE, STERNAL_LEVEL),
        "V3": on_chest(v3_right, v3_level),
        "V4": on_chest(-MIDCLAVICULAR, APEX_LEVEL),
        "V5": on_chest(-axillary, APEX_LEVEL),
        "V6": on_chest(-side, APEX_LEVEL),
    }
    from_midline = np.array([places[name] for name in ELECTRODES])
    from_centroid: Floats = from_midline + np.array([MIDLINE, MIDDLE, 0.0])
    return from_centroid


def _smallest_scale(mesh: TetMesh, centre: Floats, offset: Floats) -> float:
    """Scale of the offsets at which the last electrode is `MARGIN` clear of the convex hull."""
    outline = ConvexHull(mesh.points).equations  # n . x + d, negative inside
    normal, inside = outline[:, :3], outline[:, :3] @ centre + outline[:, 3]
    towards = offset @ normal.T
    # One face that an electrode has left behind by the margin is enough.
    needed = np.where(
        towards > 0.0, (MARGIN - inside) / np.where(towards > 0.0, towards, 1.0), np.inf
    )
    return float(needed.min(axis=1).max())
