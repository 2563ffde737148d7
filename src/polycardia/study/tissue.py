"""From what a study says of its tissue, velocities or conductivities, to the conductivities."""

from collections.abc import Mapping

from polycardia.config import Conductivity, Intracellular, Tissue
from polycardia.errors import BadStudy
from polycardia.physics import velocity
from polycardia.study.calibration import Calibration

REFERENCE_LAYER = "midwall"
"""Whose cells turn velocities into conductivities.

Tissue has one conductivity through the wall, so only one layer can have the velocity exactly.  The
mid-wall one is the thickest by default.  The others differ from it as their upstrokes do: in ten
Tusscher and Panfilov 2006 by 0.6 %.
"""


def conductivities(tissue: Tissue, speed: float) -> tuple[Intracellular, Conductivity]:
    """Return the intracellular and the effective conductivity: as given, or from velocities.

    Args:
        tissue: of the study.
        speed: k of the reference layer's cell model, of which ``c = k sqrt(D)`` [1/sqrt(ms)].

    Raises:
        BadStudy: a velocity is too large for the extracellular conductivity.
    """
    inside = tissue.intracellular
    if inside is None:
        inside = Intracellular(
            fibre=_intracellular(tissue, "fibre", speed),
            cross=_intracellular(tissue, "cross", speed),
        )
    outside = tissue.extracellular
    return inside, Conductivity(
        fibre=velocity.effective(inside.fibre, outside.fibre),
        cross=velocity.effective(inside.cross, outside.cross),
    )


def resolved(tissue: Tissue, speed: float) -> Tissue:
    """Return the tissue with conductivities in place of velocities.

    Args:
        tissue: of the study.
        speed: k of the reference layer's cell model [1/sqrt(ms)].

    Raises:
        BadStudy: a velocity is too large for the extracellular conductivity.
    """
    inside, _ = conductivities(tissue, speed)
    instead = {
        "velocities": None,
        "intracellular": inside,
        "endocardial_factor": tissue.fast_layer_factor,
    }
    return tissue.model_copy(update=instead)


def described(tissue: Tissue, waves: Mapping[str, Calibration]) -> dict[str, object]:
    """Return what a heart's provenance says of its tissue.

    Args:
        tissue: with conductivities.
        waves: of every layer's cell model.

    Returns:
        The intracellular and effective conductivities [mS/mm], and every layer's velocities, which
        differ by what their cell models do [mm/ms].
    """
    inside, sigma = conductivities(tissue, waves[REFERENCE_LAYER].speed)
    charge = tissue.surface_to_volume * tissue.capacitance
    return {
        "intracellular": inside.model_dump(),
        "effective": sigma.model_dump(),
        "velocities": {
            layer: {
                "fibre": velocity.velocity(sigma.fibre, own.speed, charge),
                "cross": velocity.velocity(sigma.cross, own.speed, charge),
            }
            for layer, own in waves.items()
        },
    }


def _intracellular(tissue: Tissue, direction: str, speed: float) -> float:
    """Return the intracellular conductivity along one direction [mS/mm]."""
    wanted = float(getattr(tissue.velocities, direction))
    outside = float(getattr(tissue.extracellular, direction))
    charge = tissue.surface_to_volume * tissue.capacitance
    sigma = velocity.conductivity(wanted, speed, charge)
    if not sigma < outside:
        largest = velocity.velocity(outside, speed, charge)
        raise BadStudy(
            f"tissue.velocities.{direction}: found {wanted:g} mm/ms, expected less than "
            f"{largest:.4g} mm/ms, the limit of the mid-wall cell model at an extracellular "
            f"conductivity of {outside:g} mS/mm"
        )
    return velocity.intracellular(sigma, outside)
