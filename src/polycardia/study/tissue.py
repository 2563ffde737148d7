"""From what a study says of its tissue, velocities or conductivities, to the conductivities."""

import math
from collections.abc import Mapping

import numpy as np

from polycardia.config import Conductivity, Intracellular, Tissue
from polycardia.errors import BadStudy
from polycardia.physics import velocity
from polycardia.physics.mesh import Floats
from polycardia.solver.operators import effective
from polycardia.study.calibration import Calibration

REFERENCE_LAYER = "midwall"
"""Whose cells turn velocities into conductivities.

Tissue has one conductivity through the wall, so only one layer can have the velocity exactly.  The
mid-wall one is the thickest by default.  The others differ from it as their upstrokes do: in ten
Tusscher and Panfilov 2006 by 0.6 %.
"""


REPETITIONS = 20  # each shrinks what is left to about a tenth


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


def on_mesh(tissue: Tissue, lengths: tuple[float, float], wave: Calibration) -> Tissue:
    """Return the tissue whose waves have the velocities of another on a mesh's elements.

    The velocity through elements of length h is ``k sqrt(D) r(h / sqrt(D))``, with r that of the
    calibration, so the diffusivity that has a velocity is found by repetition.

    Args:
        tissue: with conductivities; its waves are as fast where elements are fine.
        lengths: mean length of the elements along and across the fibres [mm].
        wave: of the reference layer's cell model.

    Raises:
        BadStudy: the extracellular conductivity is too small for it.
    """
    charge = tissue.surface_to_volume * tissue.capacitance
    _, wanted = conductivities(tissue, wave.speed)
    inside = {}
    for direction, length, ratio in (
        ("fibre", lengths[0], wave.along),
        ("cross", lengths[1], wave.across),
    ):
        fine = math.sqrt(getattr(wanted, direction) / charge)
        root = fine
        for _ in range(REPETITIONS):
            root = fine / (1.0 + _error(length / root, wave.resolution, ratio))
        sigma, outside = charge * root**2, float(getattr(tissue.extracellular, direction))
        if not sigma < outside:
            raise BadStudy(
                f"tissue.velocities.{direction}: on elements of {length:.2g} mm it needs "
                f"{sigma:.3g} mS/mm, expected less than the extracellular conductivity, "
                f"{outside:g} mS/mm"
            )
        inside[direction] = velocity.intracellular(sigma, outside)
    return tissue.model_copy(update={"intracellular": Intracellular(**inside)})


def _error(resolution: float, known: Floats, ratio: Floats) -> float:
    """Return the relative error of the velocity that a conductivity has to make up for.

    Beyond the coarsest elements through which a wave arrived it is as large as there: no
    conductivity makes up for a wave that does not go.  What is said of such elements is another
    matter (`physics.resolution.velocity_error`): there a missing wave is an error of -1.
    """
    arrived = ~np.isnan(ratio)
    errors = np.append(0.0, ratio[arrived] - 1.0)
    return float(np.interp(resolution, np.append(0.0, known[arrived]), errors))


def faster(tissue: Tissue, other: Tissue) -> tuple[float, float]:
    """Return a tissue's velocity over another's, along and across the fibres, without elements."""
    ours, theirs = effective(tissue), effective(other)
    return math.sqrt(ours.fibre / theirs.fibre), math.sqrt(ours.cross / theirs.cross)


def described(
    tissue: Tissue, numerical: Tissue, waves: Mapping[str, Calibration]
) -> dict[str, object]:
    """Return what a heart's provenance says of its tissue.

    Args:
        tissue: with conductivities.
        numerical: what stands for it on the heart's mesh.
        waves: of every layer's cell model.

    Returns:
        The intracellular and effective conductivities, those of the mesh [mS/mm], and every layer's
        velocities, which differ by what their cell models do [mm/ms].
    """
    inside, sigma = conductivities(tissue, waves[REFERENCE_LAYER].speed)
    charge = tissue.surface_to_volume * tissue.capacitance
    return {
        "intracellular": inside.model_dump(),
        "effective": sigma.model_dump(),
        "on_mesh": effective(numerical).model_dump(),
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
