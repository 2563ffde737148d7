"""What a solved heart's file holds: maps, ECG, and the numbers that describe them."""

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from polycardia.config import Simulation
from polycardia.io.heart_file import HeartResult
from polycardia.io.prepared import StoredHeart
from polycardia.io.rows import Rows
from polycardia.physics.leads import twelve_leads
from polycardia.physics.measures import qrs_duration, qt_interval
from polycardia.physics.mesh import Floats
from polycardia.solver.recorders import Recorded
from polycardia.study.outputs import NOTHING, Requested

ROUNDING = 1e-9  # [samples]


def heart_result(
    heart: StoredHeart,
    recorded: Recorded,
    settings: Simulation,
    asked: Requested = NOTHING,
    measures: Mapping[str, tuple[float, str]] = MappingProxyType({}),
) -> HeartResult:
    """Put together what a solved heart's file holds.

    Args:
        heart: as prepared; its file stays open until the result is written.
        recorded: with the maps, as on the first rank.
        settings: which fields are wanted, and how the ECG was sampled.
        asked: what is there only where the study asks for it.
        measures: of the protocol and the resolution.
    """
    wanted = settings.outputs.fields
    times: dict[str, Rows] = {
        "activation_time": np.asarray(recorded.activation),
        "repolarisation_time": np.asarray(recorded.repolarisation),
    }
    if asked.apd90 is not None:
        times["apd90"] = asked.apd90
    known: dict[str, Rows] = {**heart.coordinates, "cell_type": heart.cell_type}
    if asked.activation_count is not None:
        known["activation_count"] = asked.activation_count
    cell_fields = {"fibre": heart.fibre, "region": heart.region}
    if heart.sheet is not None and "sheet" in wanted:
        cell_fields["sheet"] = heart.sheet
    leads = twelve_leads(recorded.potentials)
    return HeartResult(
        mesh=heart,
        point_fields=times | {name: known[name] for name in wanted if name in known},
        cell_fields=cell_fields,
        axes=heart.axes,
        units=dict.fromkeys(times, "ms"),
        leads=leads.astype(np.float32),
        sampling_interval=settings.sampling_interval,
        electrode_names=heart.electrode_names,
        electrodes=heart.electrodes,
        measures={
            **_lead_measures(leads, settings),
            **_map_measures(recorded, settings.stimulation.record_from),
            **_apd90_measures(asked.apd90),
            **measures,
            **heart.measures,
        },
        probes=asked.probes,
        probe_interval=settings.outputs.probes.interval,
        snapshot_times=asked.snapshot_times,
    )


def mapped_samples(settings: Simulation) -> slice:
    """Return the ECG's samples from the mapped beat's onset to the next one's."""
    protocol, interval = settings.stimulation, settings.sampling_interval
    first = math.ceil(protocol.record_from / interval - ROUNDING)
    if protocol.record_until is None:
        return slice(first, None)
    return slice(first, math.floor(protocol.record_until / interval + ROUNDING) + 1)


def _lead_measures(leads: Floats, settings: Simulation) -> dict[str, tuple[float, str]]:
    """Numbers that describe the mapped beat's ECG."""
    mapped, interval = leads[:, mapped_samples(settings)], settings.sampling_interval
    pulse = settings.stimulation.mapped_pulse()
    stimulated = [(delay, delay + pulse.duration) for delay in pulse.delays.values()]
    return {
        "qrs_duration": (qrs_duration(mapped, interval, stimulated).value, "ms"),
        "qt_interval": (qt_interval(mapped, interval, stimulated).value, "ms"),
    }


def _map_measures(recorded: Recorded, onset: float) -> dict[str, tuple[float, str]]:
    """Numbers that describe the maps; those of repolarisation cover the nodes that have it.

    Times are after the onset of the mapped beat [ms].
    """
    activation = np.asarray(recorded.activation)
    repolarisation = np.asarray(recorded.repolarisation)
    recovered = ~np.isnan(repolarisation)
    duration = (repolarisation - activation)[recovered]
    return {
        "total_activation_time": (float(np.ptp(activation)), "ms"),
        "latest_activation_time": (float(activation.max()) - onset, "ms"),
        "mean_activation_time": (float(activation.mean()) - onset, "ms"),
        "mean_action_potential_duration": (
            float(duration.mean()) if duration.size else np.nan,
            "ms",
        ),
        "repolarised_fraction": (float(recovered.mean()), "1"),
    }


def _apd90_measures(apd90: Floats | None) -> dict[str, tuple[float, str]]:
    """The mean over the nodes that have one."""
    if apd90 is None:
        return {}
    reached = apd90[~np.isnan(apd90)]
    return {"mean_apd90": (float(reached.mean()) if reached.size else np.nan, "ms")}
