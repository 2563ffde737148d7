"""One beat of one heart, on however many ranks share it."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from polycardia.config import Simulation, whole_steps
from polycardia.errors import BadStudy, PatientFailure
from polycardia.io.heart_file import HeartResult, write_heart
from polycardia.io.origin import PREPARED, SOLVED, Outcome
from polycardia.io.prepared import PreparedFile
from polycardia.physics.heart import PreparedHeart, Site
from polycardia.physics.leads import twelve_leads
from polycardia.physics.measures import qrs_duration, qt_interval
from polycardia.physics.mesh import Floats
from polycardia.provenance import origin, peak_memory
from polycardia.solver.membrane import CellType, Membrane
from polycardia.solver.monodomain import Beat, Stimulus, require_capture, simulate_beat
from polycardia.solver.operators import TissueSlice, assemble
from polycardia.solver.partition import Comm, Ownership, ownership, versions
from polycardia.study.model import cell_type

log = logging.getLogger(__name__)

KEPT_FROM_PREPARATION = ("mesh_sha256", "mended", "labels_from", "fibres_from")


def simulate(
    heart: Path,
    settings: Simulation,
    *,
    models: Sequence[Path],
    kernels: Path,
    output: Path,
    comm: Comm,
) -> None:
    """Simulate one heart; having no answer is also a result.  Collective.

    Args:
        heart: ``prepared.h5``.
        settings: everything that decides the numbers.
        models: states of the cell models, from the inside of the wall to the outside.
        kernels: folder of compiled kernels.
        output: ``<id>.vtkhdf``.
        comm: of all ranks that share the heart.
    """
    started = time.monotonic()
    if len(models) != len(settings.cells.by_layer()):
        layers = ", ".join(settings.cells.by_layer())
        raise BadStudy(f"found {len(models)} cell models, need one each for {layers}")
    with PreparedFile(heart) as prepared:
        outcome, beat = prepared.outcome, None
        if outcome.status == PREPARED:
            cells = [cell_type(path, kernels) for path in models]
            try:
                beat = _solve(prepared, settings, cells, comm)
                outcome = Outcome(SOLVED)
            except PatientFailure as failure:
                outcome = Outcome(failure.outcome, str(failure))
        memory = comm.allreduce(peak_memory())
        if comm.Get_rank() > 0:
            return
        if outcome.detail:
            log.warning("%s: %s", outcome.status, outcome.detail)
        record = _record(prepared.provenance, settings)
        record |= {
            "ranks": comm.Get_size(),
            "memory": memory,
            "seconds": time.monotonic() - started,
        }
        result = None
        if beat is not None:
            record |= {f"cost_{name}": value for name, value in asdict(beat.cost).items()}
            result = heart_result(prepared.read(), beat, settings)
    write_heart(output, result, outcome, record)


def _solve(
    prepared: PreparedFile, settings: Simulation, cells: Sequence[CellType], comm: Comm
) -> Beat:
    owned = ownership(prepared.n_nodes, comm)
    operators = assemble(
        tissue_slice(prepared, owned),
        settings.tissue,
        mass_lumping=settings.numerics.mass_lumping,
        comm=comm,
    )
    nodes = prepared.read_nodes(owned.first, owned.last)
    beat = simulate_beat(
        comm,
        operators,
        Membrane(cells, nodes.cell_type),
        stimuli(nodes.sites, owned, settings),
        nodes.leads,
        settings,
    )
    require_capture(comm, beat.activation, settings.numerics.duration)
    return beat


def tissue_slice(prepared: PreparedFile, owned: Ownership) -> TissueSlice:
    """Read what a rank assembles from."""
    part = prepared.read_cells(owned.first, owned.last)
    return TissueSlice(owned, part.tetrahedra, part.points, part.touched, part.fibre, part.factor)


def stimuli(sites: Sequence[Site], owned: Ownership, settings: Simulation) -> list[Stimulus]:
    """Return the stimuli at this rank's nodes."""
    dt = settings.numerics.dt
    return [
        Stimulus(
            nodes=site.nodes - owned.first,
            first_step=round(site.time / dt),
            n_steps=whole_steps(settings.stimulus.duration, dt, "protocol.stimulus.duration"),
            amplitude=settings.stimulus.amplitude,
        )
        for site in sites
    ]


def heart_result(heart: PreparedHeart, beat: Beat, settings: Simulation) -> HeartResult:
    """Put together what a solved heart's file holds.

    Args:
        heart: as prepared.
        beat: with the maps, as on the first rank.
        settings: which fields are wanted, and how the ECG was sampled.
    """
    wanted, sampling_interval = settings.outputs.fields, settings.sampling_interval
    activation = np.asarray(beat.activation)
    repolarisation = np.asarray(beat.repolarisation)
    leads = twelve_leads(beat.potentials)
    times = {"activation_time": activation, "repolarisation_time": repolarisation}
    known = {**heart.coordinates, "cell_type": heart.cell_type}
    cell_fields = {
        "fibre": np.asarray(heart.mesh.fibre),
        "region": heart.mesh.region.astype(np.int32),
    }
    if heart.sheet is not None and "sheet" in wanted:
        cell_fields["sheet"] = heart.sheet
    return HeartResult(
        mesh=heart.mesh,
        point_fields=times | {name: known[name] for name in wanted if name in known},
        cell_fields=cell_fields,
        axes=heart.axes,
        units=dict.fromkeys(times, "ms"),
        leads=leads.astype(np.float32),
        sampling_interval=sampling_interval,
        electrode_names=heart.electrode_names,
        electrodes=heart.electrodes,
        measures={
            "qrs_duration": (qrs_duration(leads, sampling_interval).value, "ms"),
            "qt_interval": (qt_interval(leads, sampling_interval).value, "ms"),
            **_map_measures(activation, repolarisation),
            **heart.measures,
        },
    )


def _map_measures(activation: Floats, repolarisation: Floats) -> dict[str, tuple[float, str]]:
    """Numbers that describe the maps; those of repolarisation cover the nodes that have it."""
    recovered = ~np.isnan(repolarisation)
    duration = (repolarisation - activation)[recovered]
    return {
        "total_activation_time": (float(np.ptp(activation)), "ms"),
        "latest_activation_time": (float(activation.max()), "ms"),
        "mean_activation_time": (float(activation.mean()), "ms"),
        "mean_action_potential_duration": (
            float(duration.mean()) if duration.size else np.nan,
            "ms",
        ),
        "repolarised_fraction": (float(recovered.mean()), "1"),
    }


def _record(prepared: Mapping[str, object], settings: Simulation) -> dict[str, object]:
    """Return the provenance of a heart: its preparation's, with this run's beside it."""
    both = {
        "preparation": json.loads(str(prepared["settings"])),
        "simulation": settings.model_dump(mode="json"),
    }
    kept = {name: prepared[name] for name in KEPT_FROM_PREPARATION if name in prepared}
    here = origin(json.dumps(both)) | versions()
    return {**kept, "prepare_seconds": prepared["seconds"], **here}
