"""TorchCor (https://pypi.org/project/torchcor, MIT) on our slab.

It needs other versions of NumPy than ours and PyTorch, so it runs in an environment of its own:
``python -m venv TORCHCOR && TORCHCOR/bin/pip install torch torchcor``, and
``TORCHCOR_PYTHON=TORCHCOR/bin/python make bench``.

Usage: torchcor_slab.py MESH.npz DT UNTIL     prints one JSON object
"""

import json
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import torchcor
from torchcor.ionic import TenTusscherPanfilov
from torchcor.simulator import Monodomain

TOLERANCE = 1e-5  # of its solver, as in its own examples


class Timed(Monodomain):
    """Knows when its steps begin."""

    def assemble(self) -> None:
        super().assemble()
        self.begun = time.process_time()


def main() -> None:
    """Time the steps alone, on one thread."""
    torch.set_num_threads(1)
    torchcor.set_device("cpu", verbose=False)
    mesh = np.load(sys.argv[1])
    dt, until = float(sys.argv[2]), float(sys.argv[3])
    cell = TenTusscherPanfilov(
        cell_type="EPI", dt=dt, device=torch.device("cpu"), dtype=torch.float64
    )
    tissue = Timed([cell], T=until, dt=dt, device=torch.device("cpu"), dtype=torch.float64)
    with tempfile.TemporaryDirectory() as folder:
        vertices = write_carp(Path(folder), mesh)
        tissue.load_mesh(folder, unit_conversion=1000)  # um to mm
        tissue.add_stimulus(vertices, 0.0, float(mesh["duration"]), float(mesh["amplitude"]))
        along, across = (float(value) for value in mesh["conductivity"])
        tissue.add_conductivity(None, along, across)
        tissue.solve(TOLERANCE, TOLERANCE, 1000, True, until, verbose=False, result_path=folder)
    found = {
        "version": version("torchcor"),
        "nodes": tissue.n_nodes,
        "steps": tissue.nt,
        "cpu_seconds": time.process_time() - tissue.begun,
    }
    print(json.dumps(found))


def write_carp(folder: Path, mesh: "np.lib.npyio.NpzFile") -> Path:
    """Write the mesh as the text files that it reads, and return the file of stimulated nodes."""
    points, cells, nodes = mesh["points"], mesh["tetrahedra"], mesh["stimulated"]
    np.savetxt(folder / "slab.pts", 1000.0 * points, "%.9g", header=str(len(points)), comments="")
    lines = [f"Tt {a} {b} {c} {d} 1" for a, b, c, d in cells]
    (folder / "slab.elem").write_text("\n".join([str(len(cells)), *lines]) + "\n")
    (folder / "slab.lon").write_text("\n".join(["1", *["1 0 0"] * len(cells)]) + "\n")
    vertices = folder / "corner.vtx"
    vertices.write_text("\n".join([str(len(nodes)), "extra", *map(str, nodes)]) + "\n")
    return vertices


if __name__ == "__main__":
    main()
