"""Draws activation maps with VTK.  Run as a child process by `io.pictures`, never imported there.

Without a working OpenGL library VTK ends the interpreter with a signal, so everything that
touches VTK stays in this module and in a process of its own.
"""

import ctypes
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from polycardia.io.colours import NEVER, ColourScale
from polycardia.io.viewpoint import Viewpoint, viewing_axes
from polycardia.physics.mesh import Floats

# Off-screen windows by preference: OSMesa needs neither a display nor a driver.
WINDOWS = {
    "vtkOSOpenGLRenderWindow": ("libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so"),
    "vtkEGLRenderWindow": ("libEGL.so.1", "libEGL.so"),
}
NO_OPENGL = 3  # exit status
READY = "ready"
OVERSAMPLING = 2
ISOCHRONE = "#1d1033"
ISOCHRONE_ON_DARK = "#ffffff"
LINE_WIDTH = 1.1  # of isochrones [pixels]
LIFT = 0.4  # of isochrones towards the eye [mm], or they would sink into their own surface
AMBIENT = 0.6
MARGIN = 1.03
PALETTE = 256  # colours of a PNG, off by 1 in 255 in the mean, at a third of the bytes


class CannotDraw(Exception):
    """One heart's file holds nothing to draw; the others can be drawn."""


def main() -> int:
    """Read a job from stdin, write ``<n>-<view>.png`` or ``<n>.txt`` for each heart."""
    window = _off_screen_window()
    if window is None:
        return NO_OPENGL
    os.environ["VTK_DEFAULT_OPENGL_WINDOW"] = window
    os.environ.setdefault("EGL_LOG_LEVEL", "fatal")
    job = json.load(sys.stdin)
    folder = Path(job["folder"])
    _prove_that_opengl_works()
    (folder / READY).touch()
    scale = ColourScale(**job["scale"])
    for number, heart in job["hearts"]:
        try:
            pictures = draw(Path(heart), scale, job["views"], job["axes"], tuple(job["size"]))
            for view, picture in zip(job["views"], pictures, strict=True):
                picture.save(folder / f"{number}-{view}.png", optimize=True)
            reason = ""
        except CannotDraw as error:
            reason = str(error)
        (folder / f"{number}.txt").write_text(reason, encoding="utf-8")
    return 0


def _off_screen_window() -> str | None:
    for window, libraries in WINDOWS.items():
        for library in libraries:
            try:
                ctypes.CDLL(library)
            except OSError:
                continue
            return window
    return None


def _prove_that_opengl_works() -> None:
    """Open one window: without a usable driver VTK ends the process here, at no heart's cost."""
    import pyvista

    plotter = pyvista.Plotter(off_screen=True, window_size=[8, 8])
    plotter.screenshot(return_img=True)
    plotter.close()


def draw(
    heart: Path, scale: ColourScale, views: list[str], axes: Any, size: tuple[int, int]
) -> Iterator[Any]:
    """Yield one Pillow image of ``size`` (width, height) for each view."""
    import pyvista

    grid = _read(heart)
    if "activation_time" not in grid.point_data:
        raise CannotDraw(f"{heart.name} holds no activation_time")
    points = np.asarray(grid.points, dtype=np.float64)
    if axes is None and "axes" in grid.field_data:
        axes = grid.field_data["axes"]
    if axes is None:
        axes = viewing_axes(points, grid.cells_dict[pyvista.CellType.TETRA].astype(np.int64))
    viewpoint = Viewpoint.of(points, np.asarray(axes, dtype=np.float64).reshape(3, 3))
    surface = grid.extract_surface(algorithm="geometry")  # four times faster than the default
    for view in views:
        parts = [surface]
        if view == "endocardium":
            plane = {"normal": viewpoint.frame[1], "origin": viewpoint.centre}
            parts = [surface.clip(**plane), grid.slice(**plane)]
        yield _photograph(parts, scale, viewpoint, view == "posterior", size)


def _read(heart: Path) -> Any:
    import h5py
    import pyvista

    # Asked before VTK, whose reader answers a file without a mesh with an error of its own.
    if not h5py.is_hdf5(heart):
        raise CannotDraw(f"{heart.name} is missing or not HDF5")
    with h5py.File(heart, "r") as file:
        if "VTKHDF" not in file:
            raise CannotDraw(f"{heart.name} holds no mesh")
    return pyvista.read(heart)


def _photograph(
    parts: list[Any],
    scale: ColourScale,
    viewpoint: Viewpoint,
    from_behind: bool,
    size: tuple[int, int],
) -> Any:
    """Return the picture of surfaces with point data ``activation_time``."""
    import pyvista
    from PIL import Image

    plotter: Any = pyvista.Plotter(
        off_screen=True, window_size=[OVERSAMPLING * side for side in size], lighting="none"
    )
    plotter.set_background("white")
    # Light comes from the eye, and ambient and diffuse add up to 1: what faces the eye has
    # exactly the colour bar's colour.
    plotter.add_light(pyvista.Light(light_type="headlight"))
    towards = viewpoint.frame[1] * (-1.0 if from_behind else 1.0)
    for part in parts:
        _add_map(plotter, part, scale)
        _add_isochrones(plotter, part, scale, LIFT * towards)
    _aim(plotter, viewpoint, towards, size)
    pixels = plotter.screenshot(return_img=True)
    plotter.close()
    smooth = Image.fromarray(np.asarray(pixels)).resize(size, Image.Resampling.LANCZOS)
    return smooth.quantize(PALETTE, kmeans=1, dither=Image.Dither.NONE)


def _add_map(plotter: Any, surface: Any, scale: ColourScale) -> None:
    plotter.add_mesh(
        surface,
        scalars="activation_time",
        cmap=scale.colours(),
        clim=[scale.start, scale.stop],
        nan_color=NEVER,
        show_scalar_bar=False,
        smooth_shading=True,
        split_sharp_edges=True,
        ambient=AMBIENT,
        diffuse=1.0 - AMBIENT,
        specular=0.0,
    )


def _add_isochrones(plotter: Any, surface: Any, scale: ColourScale, lift: Floats) -> None:
    for levels, colour in _isochrones(scale):
        lines = surface.contour(levels, scalars="activation_time")
        if lines.n_points:
            lines.points += lift
            plotter.add_mesh(
                lines, color=colour, line_width=OVERSAMPLING * LINE_WIDTH, lighting=False
            )


def _aim(plotter: Any, viewpoint: Viewpoint, towards: Floats, size: tuple[int, int]) -> None:
    width, height = size
    distance = 4.0 * float(viewpoint.half_extent.max())
    plotter.camera.focal_point = viewpoint.centre
    plotter.camera.position = viewpoint.centre + distance * towards
    plotter.camera.up = viewpoint.frame[2]
    plotter.camera.parallel_projection = True
    half_width, _, half_height = viewpoint.half_extent
    plotter.camera.parallel_scale = MARGIN * max(half_height, half_width * height / width)
    plotter.renderer.ResetCameraClippingRange()


def _isochrones(scale: ColourScale) -> Iterator[tuple[list[float], str]]:
    """Yield the times of isochrones by the colour that is seen on their bands."""
    inner, colours = scale.edges()[1:-1], scale.colours()[1:]
    dark = [_luminance(colour) < 0.16 for colour in colours]
    for wanted, line in ((False, ISOCHRONE), (True, ISOCHRONE_ON_DARK)):
        levels = [time for time, is_dark in zip(inner, dark, strict=True) if is_dark is wanted]
        if levels:
            yield levels, line


def _luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb``, sRGB taken as a power of 2.2."""
    red, green, blue = ((int(colour[i : i + 2], 16) / 255.0) ** 2.2 for i in (1, 3, 5))
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


if __name__ == "__main__":
    sys.exit(main())
