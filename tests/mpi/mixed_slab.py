"""A small slab of two cell models and parameters of the nodes' own, on the ranks it is started on.

Prints the activation times as JSON, from the first rank.
"""

import json
import sys
from pathlib import Path

import numpy as np
from mpi4py import MPI

from polycardia.config import Numerics, Simulation, Stimulation
from polycardia.ionic.kernel import build
from polycardia.ionic.model import load_model
from polycardia.ionic.scaling import with_factors
from polycardia.physics import slab
from polycardia.solver.membrane import CellType, Membrane
from polycardia.solver.monodomain import simulate_beat
from polycardia.solver.operators import assemble, slice_of
from polycardia.solver.partition import ownership, world
from polycardia.solver.recorders import Recorders
from polycardia.solver.resolution import CurrentFactor
from polycardia.solver.stimulus import Stimulus

SPACING = 0.7  # [mm]
CURRENT = CurrentFactor(np.array([1.0, 5.0]), np.array([[0.95, 0.6], [0.8, 0.4], [0.9, 0.5]]))


def cells(cache: Path, comm: MPI.Comm) -> tuple[list[CellType], str]:
    """Two models whose states have nothing in common, the first with a factor at every node."""
    varied, (name,) = with_factors(load_model("tp06_epi"), ["g_na"])
    other = load_model("minimal_epi")
    for turn in range(comm.Get_size()):
        if turn == comm.Get_rank():
            kernels = [build(varied, cache=cache, node_parameters=(name,))]
            kernels.append(build(other, cache=cache))
        comm.Barrier()
    types = []
    for kernel in kernels:
        voltage, states = kernel.resting(1)
        types.append(CellType(kernel, float(voltage[0]), states[:, 0], current=CURRENT))
    return types, name


def main() -> None:
    comm = world()
    mesh = slab.slab_mesh(SPACING, "unstructured")
    owned = ownership(len(mesh.points), comm)
    settings = Simulation(
        tissue=slab.TISSUE,
        numerics=Numerics(dt=0.05, dt_quiet=0.2, duration=40.0, report_interval=10.0),
        stimulation=Stimulation(),
        sampling_interval=0.8,
    )
    operators = assemble(slice_of(mesh, owned), settings.tissue, comm=comm)
    types, name = cells(Path(sys.argv[1]), comm)
    numbers = np.concatenate([np.arange(owned.first, owned.last), operators.halo.ghosts])
    x, y, _ = mesh.points[numbers].T
    # Patches of both models, so that most ranks' borders run through elements of both.
    kinds = (np.sin(1.7 * x) * np.sin(1.3 * y + 1.0) > 0.5).astype(np.int64)
    membrane = Membrane(types, kinds, [{name: 1.0 + 0.02 * x}, {}])
    nodes = np.flatnonzero(slab.stimulated_share(mesh) > 0.5)
    own = nodes[(nodes >= owned.first) & (nodes < owned.last)] - owned.first
    stimulus = Stimulus(own, 0, 40, slab.STIMULUS_AMPLITUDE)
    resting = membrane.resting_voltage()[: owned.count]
    leads = np.cos(np.arange(owned.first, owned.last))[None]
    recorders = Recorders(resting, leads, settings)
    beat = simulate_beat(comm, operators, membrane, [stimulus], recorders, settings)
    if comm.Get_rank() == 0:
        found = {
            "activation": np.asarray(beat.recorded.activation).tolist(),
            "potentials": beat.recorded.potentials.tolist(),
            "steps": beat.cost.n_steps,
            "kinds": len(set(kinds.tolist())),
        }
        print(json.dumps(found))


if __name__ == "__main__":
    main()
