"""Pictures of one heart's activation, drawn by VTK in a child process.

VTK needs an OpenGL library at run time (Debian: ``libosmesa6``, or ``libegl1`` together with
``libgl1-mesa-dri``) and takes the interpreter down where there is none.  A child process keeps
that, and VTK's messages, away from the report: a heart that cannot be drawn has a reason instead.
"""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from polycardia.errors import PolycardiaError
from polycardia.io.colours import ColourScale
from polycardia.physics.mesh import Floats

VIEWS: Mapping[str, str] = MappingProxyType(
    {
        "anterior": "Anterior, right ventricle on the left",
        "posterior": "Posterior, right ventricle on the right",
        "endocardium": "Endocardium of the posterior half, seen from the front",
    }
)
"""Views by name with their captions.  The base is up in all of them."""

NO_OPENGL = "no OpenGL library found (Debian: libosmesa6)"
UNANSWERED = "drawing ended before this heart, without a message"
_NO_OPENGL_STATUS = 3  # of io.rendering, and the file it writes once OpenGL works
_READY = "ready"
SIZE = (540, 466)  # width and height [pixels]
FIRST_SECONDS = 60.0  # for starting Python and VTK
SECONDS_PER_HEART = 120.0  # 1.7e6 nodes took 55 on two busy cores, 2.3e5 took 8


class NoPictures(PolycardiaError):
    """A heart cannot be drawn here; the message says why."""


@dataclass(frozen=True)
class Picture:
    """One view.

    Attributes:
        caption: plain text.
        png: the picture's file.
    """

    caption: str
    png: bytes


@dataclass(frozen=True)
class Drawing:
    """What came of drawing one heart: pictures, or the reason why there are none."""

    pictures: tuple[Picture, ...] = ()
    reason: str = ""


def activation_pictures(
    heart: Path,
    *,
    range_ms: tuple[float, float],
    views: Sequence[str] = tuple(VIEWS),
    axes: Floats | None = None,
) -> list[Picture]:
    """Draw one heart; for several hearts `draw_hearts` starts VTK once.

    Args:
        heart: ``<id>.vtkhdf`` with point data ``activation_time`` [ms].
        range_ms: earliest and latest activation of the whole cohort [ms]; rounded outwards to
            the isochrones' distance, so that all hearts share their colours.
        views: names from `VIEWS`.
        axes: ``(3, 3)``, rows septal, anterior, long: `physics.axes.HeartAxes.frame`.  None
            takes the file's field data ``axes``, or looks for them in the geometry.

    Raises:
        NoPictures: no OpenGL library, or the file holds no activation.
    """
    drawing = draw_hearts([heart], range_ms=range_ms, views=views, axes=axes)[0]
    if drawing.reason:
        raise NoPictures(drawing.reason)
    return list(drawing.pictures)


def draw_hearts(
    hearts: Sequence[Path],
    *,
    range_ms: tuple[float, float],
    views: Sequence[str] = tuple(VIEWS),
    axes: Floats | None = None,
) -> list[Drawing]:
    """Draw several hearts with one start of VTK; arguments as for `activation_pictures`.

    Returns:
        One `Drawing` a heart, in order.  A heart that brings VTK down has a reason, and the
        others are drawn by a new child.
    """
    unknown = [view for view in views if view not in VIEWS]
    if unknown:
        raise NoPictures(f"found view {unknown[0]!r}, allowed are {', '.join(VIEWS)}")
    with tempfile.TemporaryDirectory(prefix="polycardia-pictures-") as folder:
        job = {
            "folder": folder,
            "scale": asdict(ColourScale.covering(*range_ms)),
            "views": list(views),
            "axes": None if axes is None else axes.tolist(),
            "size": SIZE,
        }
        reasons = _draw_all(job, [str(heart.absolute()) for heart in hearts], Path(folder))
        return [
            Drawing((), reason) if reason else Drawing(_collect(Path(folder), number, views))
            for number, reason in enumerate(reasons)
        ]


def _draw_all(job: Mapping[str, object], hearts: list[str], folder: Path) -> list[str]:
    """Start children until each heart has an answer; return the reasons, empty where drawn."""
    left = list(enumerate(hearts))
    crashed: dict[int, str] = {}
    while left:
        (folder / _READY).unlink(missing_ok=True)
        trouble = _run_child({**job, "hearts": left}) or UNANSWERED
        unanswered = [entry for entry in left if not (folder / f"{entry[0]}.txt").exists()]
        if not unanswered:
            break
        hopeless = unanswered[:1] if (folder / _READY).exists() else unanswered
        crashed |= {number: trouble for number, _ in hopeless}
        left = unanswered[len(hopeless) :]
    return [
        crashed[number] if number in crashed else (folder / f"{number}.txt").read_text("utf-8")
        for number in range(len(hearts))
    ]


def _run_child(job: Mapping[str, object]) -> str:
    """Return why the child stopped before its last heart, or nothing."""
    hearts = job["hearts"]
    assert isinstance(hearts, list)
    seconds = FIRST_SECONDS + SECONDS_PER_HEART * len(hearts)
    try:
        child = subprocess.run(
            [sys.executable, "-m", "polycardia.io.rendering"],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"drawing took longer than {seconds:.0f} s"
    if child.returncode == _NO_OPENGL_STATUS:
        return NO_OPENGL
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        return f"the OpenGL library does not work here (VTK ended with {name})"
    said = child.stderr.strip().splitlines()
    return f"drawing failed: {said[-1] if said else 'no message'}" if child.returncode else ""


def _collect(folder: Path, number: int, views: Sequence[str]) -> tuple[Picture, ...]:
    return tuple(
        Picture(VIEWS[view], (folder / f"{number}-{view}.png").read_bytes()) for view in views
    )
