"""Pictures that were drawn before: a heart that has not changed is not drawn again.

Drawing takes a second or more a heart, so that one changed heart would otherwise cost the report
minutes.  What is kept may be deleted at any time.
"""

import hashlib
import io
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image

from polycardia.errors import BadStudy, MachineTrouble
from polycardia.io.atomic import whole_file
from polycardia.io.colours import ColourScale
from polycardia.io.pictures import SIZE, VIEWS, Drawing, Picture, draw_hearts

log = logging.getLogger(__name__)

DRAWING = 1  # raised on purpose when the same heart is drawn otherwise


@dataclass(frozen=True)
class Subject:
    """A heart to be drawn.

    Attributes:
        path: ``<id>.vtkhdf``.
        digest: of the file's bytes; hearts of the same digest have the same pictures.
    """

    path: Path
    digest: str


def drawn_or_kept(
    subjects: Sequence[Subject], *, range_ms: tuple[float, float], folder: Path
) -> list[Drawing]:
    """Return a drawing of each heart, in order; draw those that the folder has none of.

    Args:
        subjects: hearts.
        range_ms: as for `draw_hearts`.
        folder: holds what was drawn for the last call, and afterwards what was for this one.
    """
    scale = ColourScale.covering(*range_ms)
    names = [_name(subject.digest, scale) for subject in subjects]
    drawings = {name: drawing for name in names if (drawing := _kept(folder, name))}
    missing = {
        name: subject.path
        for name, subject in zip(names, subjects, strict=True)
        if name not in drawings
    }
    new = dict(zip(missing, draw_hearts(list(missing.values()), range_ms=range_ms), strict=True))
    _keep(folder, new)
    _forget_all_but(folder, set(names))
    log.info("%d hearts drawn, pictures of %d kept from before", len(new), len(drawings))
    drawings |= new
    return [drawings[name] for name in names]


def _name(digest: str, scale: ColourScale) -> str:
    """Return a name of all that decides a heart's pictures."""
    decisive = [DRAWING, digest, asdict(scale), dict(VIEWS), SIZE]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()


def _kept(folder: Path, name: str) -> Drawing | None:
    """Return all of a heart's pictures, or None where one is missing or damaged."""
    try:
        pictures = tuple(
            Picture(caption, _file(folder, name, view).read_bytes())
            for view, caption in VIEWS.items()
        )
        for picture in pictures:
            with Image.open(io.BytesIO(picture.png), formats=["PNG"]) as image:
                image.verify()  # every chunk of a PNG has a checksum
    except (OSError, SyntaxError):  # Pillow's word for a broken PNG
        return None
    return Drawing(pictures)


def _keep(folder: Path, drawings: Mapping[str, Drawing]) -> None:
    """Write drawings that have pictures; a folder that is closed costs their next drawing only."""
    try:
        for name, drawing in drawings.items():
            for view, picture in zip(VIEWS, drawing.pictures, strict=False):
                with whole_file(_file(folder, name, view)) as part:
                    part.write_bytes(picture.png)
    except (BadStudy, MachineTrouble) as closed:
        log.info("pictures are not kept: %s", closed)


def _forget_all_but(folder: Path, names: set[str]) -> None:
    for file in folder.glob("*.png"):
        if file.name.split(".")[0] not in names:
            file.unlink(missing_ok=True)


def _file(folder: Path, name: str, view: str) -> Path:
    return folder / f"{name}.{view}.png"
