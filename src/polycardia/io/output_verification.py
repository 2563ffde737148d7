"""Checks what a heart has only where its study asked for it: probes, and the voltage over time."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

GZIP, SHUFFLE = 1, 2  # HDF5's numbers of the filters that VTK reads
PROBE_ATTRIBUTES = ("node", "cell_type", "miss")
OFFSETS = {"PartOffsets": 0, "NumberOfParts": 1, "PointOffsets": 0, "CellOffsets": 0,
           "ConnectivityIdOffsets": 0}  # fmt: skip
"""The grid is stored once: every step has the same."""


def beside(heart: Path) -> Path:
    """Return where the voltage over time of the heart with this file is."""
    return heart.with_name(f"{heart.stem}.voltage{heart.suffix}")


def filter_faults(grid: h5py.Group) -> Iterator[str]:
    """Yield a sentence for every dataset that VTK cannot decode."""
    stored: list[h5py.Dataset] = []
    grid.visititems(lambda _, item: stored.append(item) if isinstance(item, h5py.Dataset) else None)
    for data in stored:
        properties = data.id.get_create_plist()
        filters = {properties.get_filter(n)[0] for n in range(properties.get_nfilters())}
        if not filters <= {GZIP, SHUFFLE}:
            yield f"{data.name.lstrip('/')} is stored with a filter that VTK does not read"


def probe_faults(probes: h5py.Group, n_points: int) -> Iterator[str]:
    """Yield a sentence for every promise that ``/probes`` does not keep."""
    if sorted(probes.attrs["names"]) != sorted(probes):
        yield "probes are named otherwise than their groups"
    if not float(probes.attrs["sampling_interval"]) > 0.0:
        yield f"probes: sampling_interval is {probes.attrs['sampling_interval']}"
    lengths = set()
    for name, probe in probes.items():
        where = f"probes/{name}"
        yield from (f"{where} lacks {what}" for what in PROBE_ATTRIBUTES if what not in probe.attrs)
        if not 0 <= int(probe.attrs.get("node", 0)) < n_points:
            yield f"{where} is at node {probe.attrs['node']} of {n_points}"
        place = probe["place"]
        if place.shape != (3,) or place.attrs.get("unit") != "mm":
            yield f"{where}/place is {place.shape}, expected (3,) in mm"
        traces = probe["traces"]
        if "voltage" not in traces or traces["voltage"].attrs.get("unit") != "mV":
            yield f"{where} has no voltage in mV"
        for variable, data in traces.items():
            lengths.add(data.shape)
            if data.dtype != np.float32 or data.ndim != 1:
                yield f"{where}/traces/{variable} is {data.dtype} {data.shape}, expected float32"
            for what in ("unit", "variable"):
                if what not in data.attrs:
                    yield f"{where}/traces/{variable} has no {what}"
    if len(lengths) > 1:
        yield f"probes have traces of {len(lengths)} lengths, expected one"


def voltage_faults(heart: Path, file: h5py.File) -> Iterator[str]:
    """Yield a sentence for every promise that the voltage beside a heart's file does not keep.

    Args:
        heart: the heart's file.
        file: the same, open.
    """
    path = beside(heart)
    if "voltage" not in file:
        if path.exists():
            yield f"{path.name} is there, and its heart has no /voltage"
        return
    link = file["voltage"]
    if link.attrs["file"] != path.name:
        yield f"voltage/file is {link.attrs['file']!r}, expected {path.name!r}"
    if not path.exists():
        yield f"{path.name}: missing"
        return
    with h5py.File(path, "r") as other:
        if "provenance" not in other:
            yield f"{path.name}: provenance is missing"
        for fault in _temporal_faults(other["VTKHDF"], file["VTKHDF"], link["times"][()]):
            yield f"{path.name}: {fault}"


def _temporal_faults(
    grid: h5py.Group, heart: h5py.Group, times: NDArray[np.float64]
) -> Iterator[str]:
    yield from filter_faults(grid)
    for name in ("Points", "Connectivity"):
        if not np.array_equal(grid[name][()], heart[name][()]):
            yield f"{name} differ from the heart's"
    n_points, n_steps = int(grid["NumberOfPoints"][0]), len(times)
    steps, voltage = grid["Steps"], grid["PointData/voltage"]
    if int(steps.attrs["NSteps"]) != n_steps or not np.array_equal(steps["Values"][()], times):
        yield "the times of its steps differ from the heart's voltage/times"
        return
    if not (np.diff(times) > 0.0).all() or times.min(initial=0.0) < 0.0:
        yield "the times of its steps do not grow from 0 on"
    for name, value in OFFSETS.items():
        if len(steps[name]) != n_steps or (steps[name][()] != value).any():
            yield f"Steps/{name} are not all {value}"
    expected = np.arange(n_steps) * n_points
    if not np.array_equal(steps["PointDataOffsets/voltage"][()], expected):
        yield f"Steps/PointDataOffsets/voltage are not multiples of {n_points}"
    if voltage.shape != (n_steps * n_points,) or voltage.dtype != np.float32:
        yield f"voltage is {voltage.dtype} {voltage.shape}, expected {n_steps} steps of {n_points}"
    if voltage.attrs.get("unit") != "mV":
        yield f"voltage has unit {voltage.attrs.get('unit')}, expected mV"
    for step in range(min(n_steps, voltage.size // n_points)):
        if not np.isfinite(voltage[step * n_points : (step + 1) * n_points]).all():
            yield f"voltage at {times[step]:g} ms is not finite everywhere"
