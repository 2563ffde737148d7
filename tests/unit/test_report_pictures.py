import io
import itertools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from heart_files import shell_of_ellipsoids, write_failed_heart, write_heart
from PIL import Image

from polycardia.errors import BadStudy
from polycardia.io import pictures, rendering
from polycardia.io.colours import MAX_BANDS, NEVER, ColourScale
from polycardia.io.pictures import NoPictures, activation_pictures, draw_hearts
from polycardia.io.viewpoint import viewing_axes

needs_opengl = pytest.mark.skipif(
    rendering._off_screen_window() is None, reason="no OpenGL library for off-screen rendering"
)


def luminance(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize(
    ("low", "high", "start", "step", "count"),
    [
        (3.0, 97.0, 0.0, 10.0, 10),
        (0.0, 100.0, 0.0, 10.0, 10),
        (12.0, 12.0, 10.0, 10.0, 1),
        (20.0, 20.0, 20.0, 10.0, 1),
        (-4.0, 11.0, -10.0, 10.0, 3),
        (0.0, 500.0, 0.0, 20.0, 25),
    ],
)
def test_scale_holds_the_range_in_whole_bands(low, high, start, step, count):
    assert ColourScale.covering(low, high) == ColourScale(start, step, count)


def test_bands_stay_countable_and_the_range_is_held():
    for low, high in itertools.product([-70.0, 0.0, 3.3], [10.0, 299.0, 1234.5]):
        scale = ColourScale.covering(low, high)
        assert scale.count <= MAX_BANDS
        assert scale.edges()[0] <= low
        assert high <= scale.edges()[-1] == scale.stop


def test_colours_get_evenly_darker_with_time():
    for count in (2, 9, MAX_BANDS):
        colours = ColourScale(0.0, 10.0, count).colours()
        assert len(colours) == count
        lightness = np.cbrt([luminance(colour) for colour in colours])
        assert (np.diff(lightness) < 0.0).all()
        assert np.diff(lightness).min() > 2.5 * np.diff(lightness).mean()


@pytest.mark.parametrize("span", [(float("nan"), 1.0), (2.0, 1.0), (0.0, float("inf"))])
def test_a_range_that_is_none_is_refused(span):
    with pytest.raises(BadStudy, match="expected a range"):
        ColourScale.covering(*span)


def turned(seed):
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    return rotation * np.sign(np.linalg.det(rotation))


@pytest.mark.parametrize("seed", range(4))
def test_axes_turn_with_the_heart(seed):
    points, tetrahedra = shell_of_ellipsoids()
    rotation = turned(seed)
    septal, anterior, long = viewing_axes(points @ rotation.T + 300.0, tetrahedra) @ rotation
    assert septal @ [-1.0, 0.0, 0.0] > 0.99
    assert anterior @ [0.0, -1.0, 0.0] > 0.99
    assert long @ [0.0, 0.0, 1.0] > 0.99


def test_axes_of_a_real_heart_agree_with_its_labels(real_hearts):
    folder = real_hearts / "heart-a"
    points = np.loadtxt(folder / "heart-a.pts", skiprows=1) / 1000.0
    cells = np.loadtxt(folder / "heart-a.elem", skiprows=1, usecols=(1, 2, 3, 4), dtype=int)

    def centre(name):
        file = folder / f"heart-a.{name}.surf"
        return points[np.loadtxt(file, skiprows=1, usecols=(1, 2, 3), dtype=int)].mean(axis=(0, 1))

    septal, _, long = viewing_axes(points, cells)
    to_base = centre("base") - centre("epi")
    to_right = centre("rv_endo") - centre("lv_endo")
    to_right -= (to_right @ long) * long
    assert to_base @ long > 0.9 * np.linalg.norm(to_base)
    assert to_right @ septal > 0.95 * np.linalg.norm(to_right)


def image_of(picture):
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGB")).astype(int)


def nearest_band(pixels, scale):
    """Number of the band whose colour is nearest to each pixel."""
    bands = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in scale.colours()]
    return np.linalg.norm(pixels[:, None] - np.array(bands), axis=2).argmin(axis=1)


@needs_opengl
def test_pictures_show_time_place_and_side(tmp_path, capfd):
    points, tetrahedra = shell_of_ellipsoids()
    x, y, z = points.T
    hearts = [
        write_heart(tmp_path / "flat.vtkhdf", points, tetrahedra, np.full(len(points), 34.0)),
        write_failed_heart(tmp_path / "failed.vtkhdf"),
        write_heart(tmp_path / "side.vtkhdf", points, tetrahedra, np.where(x < 0.0, 4.0, 96.0)),
        write_heart(tmp_path / "never.vtkhdf", points, tetrahedra, np.full(len(points), np.nan)),
        tmp_path / "missing.vtkhdf",
        write_heart(tmp_path / "up.vtkhdf", points, tetrahedra, z + 80.0),
        write_heart(tmp_path / "front.vtkhdf", points, tetrahedra, np.where(y < -1.0, 96.0, 4.0)),
    ]
    flat, failed, side, never, missing, up, front = draw_hearts(hearts, range_ms=(0.0, 100.0))
    assert capfd.readouterr() == ("", "")
    scale = ColourScale.covering(0.0, 100.0)
    assert failed.reason == "failed.vtkhdf holds no mesh"
    assert missing.reason == "missing.vtkhdf is missing or not HDF5"
    middle = (pictures.SIZE[1] // 2, pictures.SIZE[0] // 2)
    for picture in flat.pictures[:2]:
        assert picture.png.startswith(b"\x89PNG")
        image = image_of(picture)
        assert image.shape == (pictures.SIZE[1], pictures.SIZE[0], 3)
        # What faces the eye has the colour bar's colour.
        wanted = [int(scale.colours()[3][i : i + 2], 16) for i in (1, 3, 5)]
        np.testing.assert_allclose(image[middle], wanted, atol=12)
        assert (image[0, 0] == 255).all()
    grey = int(NEVER[1:3], 16)
    np.testing.assert_allclose(image_of(never.pictures[0])[middle], [grey] * 3, atol=12)
    anterior, posterior, endocardium = (image_of(picture) for picture in side.pictures)
    left, right = (middle[0], middle[1] - 80), (middle[0], middle[1] + 80)
    for image, early, late in (
        (anterior, left, right),
        (posterior, right, left),
        (endocardium, left, right),
    ):
        bands = nearest_band(np.array([image[early], image[late]]), scale)
        assert bands[0] <= 1
        assert bands[1] >= 8
    # The front half is cut away from the endocardial view.
    bands = nearest_band(np.array([image_of(p)[middle] for p in front.pictures]), scale)
    assert bands[0] >= 8
    assert bands[1:].max() <= 1
    # Apex down; nine bands on the way up are nine isochrones less one, where a flat map has none.
    column = image_of(up.pictures[0])[20:-20, middle[1]]
    height = np.linspace(80.0, 0.0, len(column) + 40)[20:-20]
    assert np.abs(nearest_band(column, scale) - height // 10).mean() < 0.8
    assert isochrones(image_of(flat.pictures[0])) == 0
    assert isochrones(image_of(up.pictures[0])) > pictures.SIZE[0]


def isochrones(image):
    """Number of pixels that are nearly as dark as a line."""
    return int((image.sum(axis=2) < 200).sum())


@needs_opengl
def test_axes_of_the_caller_and_of_the_file_come_first(tmp_path):
    points, tetrahedra = shell_of_ellipsoids()
    times = np.where(points[:, 0] < 0.0, 4.0, 96.0)
    from_behind = np.eye(3)  # anterior is +y, where the geometry says -y
    plain = write_heart(tmp_path / "plain.vtkhdf", points, tetrahedra, times)
    told = write_heart(tmp_path / "told.vtkhdf", points, tetrahedra, times, axes=from_behind)
    settings = {"range_ms": (0.0, 100.0), "views": ["anterior"]}
    from_caller = activation_pictures(plain, axes=from_behind, **settings)
    from_file, from_geometry = (
        list(drawing.pictures) for drawing in draw_hearts([told, plain], **settings)
    )
    assert from_caller == from_file
    assert from_caller != from_geometry


def test_without_a_library_there_is_a_reason_and_no_crash(tmp_path, monkeypatch):
    monkeypatch.setattr(
        subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], rendering.NO_OPENGL, "")
    )
    drawings = draw_hearts([tmp_path / "a", tmp_path / "b"], range_ms=(0.0, 1.0))
    assert [drawing.reason for drawing in drawings] == [pictures.NO_OPENGL] * 2
    with pytest.raises(NoPictures, match="libosmesa6"):
        activation_pictures(tmp_path / "a", range_ms=(0.0, 1.0))


def test_no_window_is_chosen_where_no_library_loads(monkeypatch):
    monkeypatch.setattr(rendering, "WINDOWS", {"vtkWindow": ("libnowhere.so.1",)})
    assert rendering._off_screen_window() is None


def pretend(monkeypatch, *, opengl_works, fatal):
    """Let children end with a signal at some hearts; returns the lists of hearts they got."""
    calls = []

    def run(*_, input, **__):
        job = pictures.json.loads(input)
        calls.append([Path(heart).name for _, heart in job["hearts"]])
        folder = Path(job["folder"])
        if not opengl_works:
            return subprocess.CompletedProcess([], -11, "", "")
        (folder / rendering.READY).touch()
        for number, heart in job["hearts"]:
            if Path(heart).name in fatal:
                return subprocess.CompletedProcess([], -11, "", "")
            (folder / f"{number}.txt").write_text("drawn", encoding="utf-8")
        return subprocess.CompletedProcess([], 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    return calls


def test_a_heart_that_brings_the_child_down_costs_the_others_nothing(monkeypatch):
    calls = pretend(monkeypatch, opengl_works=True, fatal={"a", "c"})
    drawings = draw_hearts([Path(name) for name in "abcd"], range_ms=(0.0, 1.0))
    reasons = [drawing.reason for drawing in drawings]
    assert "SIGSEGV" in reasons[0]
    assert reasons[1] == "drawn"
    assert "SIGSEGV" in reasons[2]
    assert reasons[3] == "drawn"
    assert calls == [["a", "b", "c", "d"], ["b", "c", "d"], ["d"]]


def test_a_broken_library_is_tried_once(monkeypatch):
    calls = pretend(monkeypatch, opengl_works=False, fatal=set())
    drawings = draw_hearts([Path(name) for name in "abcd"], range_ms=(0.0, 1.0))
    assert len(calls) == 1
    assert all("does not work here" in drawing.reason for drawing in drawings)


def test_a_child_that_ends_well_without_an_answer_is_a_reason(monkeypatch):
    monkeypatch.setattr(pictures.sys, "executable", "/bin/true")
    drawings = draw_hearts([Path("a"), Path("b")], range_ms=(0.0, 1.0))
    assert [drawing.reason for drawing in drawings] == [pictures.UNANSWERED] * 2


def test_an_unknown_view_is_named():
    with pytest.raises(NoPictures, match="'apical', allowed are anterior"):
        draw_hearts([], range_ms=(0.0, 1.0), views=["apical"])


def test_parent_and_child_agree_on_their_signs():
    assert pictures._NO_OPENGL_STATUS == rendering.NO_OPENGL
    assert pictures._READY == rendering.READY


def test_asking_for_pictures_loads_no_vtk():
    asked = "import sys, polycardia.io.pictures; print([m for m in sys.modules if 'vtk' in m])"
    finished = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True
    )
    assert finished.stdout.strip() == "[]"
