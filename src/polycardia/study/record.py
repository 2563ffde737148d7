"""What a heart's file says of where its numbers come from."""

import json
from collections.abc import Mapping

from polycardia.config import Simulation
from polycardia.provenance import origin

KEPT_FROM_PREPARATION = ("mesh_sha256", "points_sha256", "mended", "labels_from", "fibres_from")


def heart_record(prepared: Mapping[str, object], settings: Simulation) -> dict[str, object]:
    """Return the provenance of a heart: its preparation's, with this run's beside it.

    Args:
        prepared: what the prepared heart's file says.
        settings: of the simulation.
    """
    both = {
        "preparation": json.loads(str(prepared["settings"])),
        "simulation": settings.model_dump(mode="json"),
    }
    kept = {name: prepared[name] for name in KEPT_FROM_PREPARATION if name in prepared}
    return {**kept, "prepare_seconds": prepared["seconds"], **origin(json.dumps(both))}
