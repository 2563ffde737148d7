r"""A wave whose velocity and shape are known in closed form.

The bistable equation :math:`u_t = D u_{xx} + k u (1 - u) (u - a)` has the travelling wave
:math:`u = 1 / (1 + \exp((x - c t) / w))` with :math:`c = \sqrt{D k / 2} (1 - 2 a)` and
:math:`w = \sqrt{2 D / k}` (McKean, Adv Math 4:209, 1970).  Here D is 1 mm^2/ms.
"""

import math
from dataclasses import replace

import numpy as np
from mpi4py import MPI

from polycardia.config import (
    Extracellular,
    Intracellular,
    Numerics,
    Simulation,
    Stimulation,
    Tissue,
)
from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model
from polycardia.physics.bricks import bricks
from polycardia.physics.mesh import TetMesh
from polycardia.solver.membrane import CellType, Membrane
from polycardia.solver.monodomain import simulate_beat
from polycardia.solver.operators import assemble, slice_of
from polycardia.solver.partition import ownership
from polycardia.solver.recorders import Recorders

RATE, THRESHOLD, HEIGHT, REST = 8.0, 0.1, 100.0, -80.0  # k [1/ms], a, [mV], [mV]
VELOCITY = math.sqrt(RATE / 2.0) * (1.0 - 2.0 * THRESHOLD)  # [mm/ms]
UPSTROKE = HEIGHT * RATE * (1.0 - 2.0 * THRESHOLD) / 8.0  # steepest, [mV/ms]

TEXT = f"""[[model]]
name: Nagumo
membrane.V = {REST}

[engine]
time = 0 [ms] in [ms] bind time

[membrane]
u = (V - {REST} [mV]) / {HEIGHT} [mV]
rate = {RATE} [1/ms] in [1/ms]
dot(V) = {HEIGHT} [mV] * rate * u * (1 - u) * (u - {THRESHOLD}) in [mV]
    label membrane_potential
"""

FREE = 1e9  # the outside conducts freely, so that the inside decides


def cell(folder, cache, threshold=THRESHOLD):
    """The compiled model, from its text."""
    path = folder / "nagumo.mmt"
    path.write_text(TEXT.replace(f"(u - {THRESHOLD})", f"(u - {threshold})"))
    kernel = build(load_model(path), cache=cache)
    return CellType(kernel, REST, kernel.resting(1)[1][:, 0])


def beam(edge, length, across=2):
    """Bricks of six tetrahedra, each the mirror image of its neighbours; fibres along x."""
    axes = [edge * np.arange(n + 1.0) for n in (round(length / edge), across, across)]
    return with_fibres(*bricks(axes))


def with_fibres(points, cells):
    """Along x."""
    fibre = np.tile([1.0, 0.0, 0.0], (len(cells), 1))
    return TetMesh(points, cells, np.zeros(len(cells), np.int64), fibre)


def tissue(along=1.0, across=1.0):
    """Tissue with these D [mm^2/ms]."""
    return Tissue(
        surface_to_volume=1.0,
        capacitance=1.0,
        intracellular=Intracellular(fibre=along, cross=across),
        extracellular=Extracellular(fibre=FREE, cross=FREE),
    )


def activation(mesh, cell_type, dt, of_tissue=None, depth=None):
    """Times at which a wave reaches the nodes [ms].

    It starts from excited cells, not from a stimulus, whose own error in time is of first order:
    those up to 3 mm deep, along x or by the depth that is given.
    """
    depth = mesh.points[:, 0] if depth is None else depth
    of_tissue = of_tissue or tissue()
    comm = MPI.COMM_SELF
    operators = assemble(slice_of(mesh, ownership(len(mesh.points), comm)), of_tissue, comm=comm)
    longest = math.ceil(4.0 * np.ptp(depth) / VELOCITY + 2.0)
    settings = Simulation(
        tissue=of_tissue,
        numerics=Numerics(
            dt=dt, dt_quiet=dt, duration=longest, report_interval=longest, stop="when_activated"
        ),
        stimulation=Stimulation(),
        sampling_interval=dt,
    )
    excited = replace(cell_type, voltage=REST + HEIGHT)
    membrane = Membrane([cell_type, excited], (depth <= 3.0).astype(np.int64))
    recorders = Recorders(membrane.resting_voltage(), np.zeros((0, len(mesh.points))), settings)
    beat = simulate_beat(comm, operators, membrane, [], recorders, settings)
    return np.asarray(beat.recorded.activation)


def velocity(mesh, cell_type, dt, of_tissue=None):
    """Of the wave in the second half of a mesh, short of its end [mm/ms]."""
    times = activation(mesh, cell_type, dt, of_tissue)
    x = mesh.points[:, 0]
    steady = (x > 0.5 * x.max()) & (x < 0.8 * x.max())
    return float(1.0 / np.polyfit(x[steady], times[steady], 1)[0])
