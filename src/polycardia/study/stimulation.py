"""From the protocol and the prepared sites to the stimuli of a rank, and what came of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from polycardia.config import BEAT, CAPTURE_WINDOW, Pulse, Simulation, whole_steps
from polycardia.errors import BadStudy, NoCapture
from polycardia.physics.capture import CAPTURED, Watch
from polycardia.physics.heart import Site
from polycardia.physics.mesh import Integers
from polycardia.solver.partition import Ownership
from polycardia.solver.stimulus import Stimulus

MOST_TOLD = 100  # sentences of up to 300 bytes; an attribute holds 64 kB


class Response(NamedTuple):
    """What the tissue around one place did after one pulse.

    Attributes:
        pulse: of the protocol.
        place: where it acted.
        share: of the nodes around that activated in time [1].
    """

    pulse: Pulse
    place: str
    share: float

    @property
    def captured(self) -> bool:
        return self.share >= CAPTURED

    def __str__(self) -> str:
        return (
            f"{self.pulse} did not capture at {self.place}: {self.share:.0%} of the nodes around "
            f"it activate within {CAPTURE_WINDOW:g} ms, need {CAPTURED:.0%}"
        )


def stimuli(sites: Sequence[Site], owned: Ownership, settings: Simulation) -> list[Stimulus]:
    """Return the stimuli at this rank's nodes.

    Args:
        sites: with the rank's own nodes, numbered in the heart.
        owned: which nodes are the rank's.
        settings: the protocol and the time step.

    Raises:
        BadStudy: the heart was prepared without a site or place that the protocol names.
    """
    dt = settings.numerics.dt
    nodes = {site.name: site.nodes - owned.first for site in sites}  # once for all pulses there
    return [
        Stimulus(
            nodes=nodes[site.name],
            first_step=round(onset / dt),
            n_steps=whole_steps(pulse.duration, dt, "duration of a stimulus,"),
            amplitude=pulse.amplitude,
        )
        for pulse, site, onset in _acts(sites, settings)
    ]


def watches(sites: Sequence[Site], owned: Ownership, settings: Simulation) -> list[Watch]:
    """Return where and when this rank's nodes show whether each pulse captures.

    The beat's onset counts, not a site's own: what another site's front takes first is no failure.
    """
    around = {site.name: site.around - owned.first for site in sites}  # once for all pulses there
    return [
        Watch(around[site.name], pulse.onset, onset + CAPTURE_WINDOW)
        for pulse, site, onset in _acts(sites, settings)
    ]


def responses(sites: Sequence[Site], counts: Integers, settings: Simulation) -> list[Response]:
    """Return what followed each pulse at each place.

    Args:
        sites: of the whole heart.
        counts: of all ranks, in the order of `watches`.
        settings: the protocol.
    """
    acts = _acts(sites, settings)
    return [
        Response(pulse, site.name, min(1.0, int(count) / site.around.size))
        for (pulse, site, _), count in zip(acts, counts, strict=True)
    ]


def require_mapped_capture(found: Sequence[Response], settings: Simulation) -> None:
    """Raise if the pulse of the beat that is to be mapped captures nowhere.

    Raises:
        NoCapture: with the pulse, its time and one of its places.
    """
    mapped = settings.stimulation.mapped_pulse()
    of_pulse = [response for response in found if response.pulse == mapped]
    if not any(response.captured for response in of_pulse):
        raise NoCapture(str(max(of_pulse, key=lambda response: response.share)))


def capture_measures(
    found: Sequence[Response], settings: Simulation
) -> dict[str, tuple[float, str]]:
    """Return the share of places that each pulse captured at, the regular pulses of a train as one.

    A name is the train's and the pulse's: ``captured_pacing_S1``, ``captured_pacing_S2``.  A
    study that names no stimuli has none.
    """
    if settings.stimulation.trains == (BEAT,):
        return {}
    by_name: dict[str, list[bool]] = {}
    for response in found:
        name = f"captured_{response.pulse.train}_{response.pulse.label}"
        by_name.setdefault(name, []).append(response.captured)
    return {name: (sum(of) / len(of), "1") for name, of in by_name.items()}


def not_captured(found: Sequence[Response]) -> str:
    """Return, as JSON, a sentence for each response that is none; it fits an HDF5 attribute."""
    told = [str(response) for response in found if not response.captured]
    if len(told) > MOST_TOLD:
        told = [*told[:MOST_TOLD], f"and {len(told) - MOST_TOLD} more"]
    return json.dumps(told)


def _acts(sites: Sequence[Site], settings: Simulation) -> Iterator[tuple[Pulse, Site, float]]:
    """Every pulse at every place that it acts on, and when [ms]."""
    by_name: Mapping[str, Site] = {site.name: site for site in sites}
    for pulse in settings.stimulation.pulses():
        for name, delay in pulse.delays.items():
            if name not in by_name:
                raise BadStudy(
                    f"stimulus {pulse.train} acts at {name}, but the heart was prepared with "
                    f"{', '.join(by_name)}"
                )
            yield pulse, by_name[name], pulse.onset + delay
