"""The heart before its beat: anatomy and tissue."""

from typing import Any, Self

from pydantic import Field, model_validator

from polycardia.config.fields import Degrees, Fraction, Positive, Section


class Fibres(Section):
    """Angles of the rule-based fibres, used where a mesh brings none.

    Bayer, Blake, Plank, Trayanova, Ann Biomed Eng 40:2243 (2012).
    """

    alpha_endo: Degrees = Field(40.0, description="helix angle at the endocardium [degree]")
    alpha_epi: Degrees = Field(-50.0, description="helix angle at the epicardium [degree]")
    beta_endo: Degrees = Field(-65.0, description="sheet angle at the endocardium [degree]")
    beta_epi: Degrees = Field(25.0, description="sheet angle at the epicardium [degree]")


class Anatomy(Section):
    """From a source mesh to one that can be simulated."""

    edge_length: Positive | None = Field(
        1.0, description="refine until the mean edge is at most this [mm]; none keeps the mesh"
    )
    fibres: Fibres = Fibres()
    endocardial_layer: Fraction = Field(
        0.30, description="depth at which endocardial cells end, 0 endocardium, 1 epicardium"
    )
    midwall_layer: Fraction = Field(
        0.70, description="depth at which mid-wall cells end and epicardial ones begin"
    )

    @model_validator(mode="after")
    def _layers_are_ordered(self) -> Self:
        if self.endocardial_layer > self.midwall_layer:
            raise ValueError(
                f"endocardial_layer {self.endocardial_layer} lies deeper than "
                f"midwall_layer {self.midwall_layer}"
            )
        return self


class Conductivity(Section):
    """Conductivity of one domain, transversely isotropic."""

    fibre: Positive = Field(description="along the fibres [mS/mm = S/m]")
    cross: Positive = Field(description="across the fibres [mS/mm = S/m]")


class Intracellular(Conductivity):
    """Conductivity inside the cells, transversely isotropic."""

    fibre: Positive = Field(0.20, description="along the fibres [mS/mm = S/m]")
    cross: Positive = Field(0.143, description="across the fibres [mS/mm = S/m]")


class Extracellular(Conductivity):
    """Conductivity between the cells, transversely isotropic."""

    fibre: Positive = Field(0.62, description="along the fibres [mS/mm = S/m]")
    cross: Positive = Field(0.24, description="across the fibres [mS/mm = S/m]")


class Velocities(Section):
    """Velocities of a plane wave, in place of intracellular conductivities."""

    fibre: Positive = Field(ge=0.01, le=10.0, description="along the fibres [mm/ms = m/s]")
    cross: Positive = Field(ge=0.01, le=10.0, description="across the fibres [mm/ms = m/s]")
    endocardial: Positive | None = Field(
        None,
        description="along the fibres where cells touch an endocardium, in place of "
        "endocardial_factor [mm/ms = m/s]",
    )


ENDOCARDIAL_FACTOR = 4.0


class Tissue(Section):
    """Ventricular myocardium.

    Membrane constants and extracellular conductivities are the N-version benchmark's (Niederer
    et al., Phil Trans R Soc A 369:4331, 2011). The intracellular ones are chosen so that the
    ten Tusscher-Panfilov 2006 cell conducts at 0.65 m/s along and 0.50 m/s across the fibres
    once the mesh resolves it, as in human ventricles (Taggart et al., J Mol Cell Cardiol
    32:621, 2000). Velocities may be given instead of them.
    """

    surface_to_volume: Positive = Field(140.0, description="chi [1/mm]")
    capacitance: Positive = Field(0.01, description="C_m [uF/mm^2]")
    velocities: Velocities | None = Field(
        None,
        description="in place of intracellular, for example {fibre: 0.65, cross: 0.5, "
        "endocardial: 1.3} [mm/ms = m/s]: docs/physics.md",
    )
    intracellular: Intracellular | None = Intracellular()
    extracellular: Extracellular = Extracellular()
    endocardial_factor: Positive | None = Field(
        ENDOCARDIAL_FACTOR,
        description="conductivities of the cells that touch an endocardium are multiplied by "
        "this, for the Purkinje network's fast layer: its wave is about "
        "sqrt((1 + factor) / 2) times as fast as others, 1.5 times with 4 [1]",
    )

    @model_validator(mode="before")
    @classmethod
    def _velocities_replace_defaults(cls, given: Any) -> Any:
        """Leave out the defaults of what velocities stand for; what is given stays."""
        velocities = given.get("velocities") if isinstance(given, dict) else None
        if velocities is None:
            return given
        instead: dict[str, None] = {"intracellular": None}
        if _endocardial(velocities) is not None:
            instead["endocardial_factor"] = None
        return instead | given

    @model_validator(mode="after")
    def _each_is_given_once(self) -> Self:
        velocities = self.velocities
        _require_one_of({"velocities": velocities, "intracellular": self.intracellular})
        if velocities is None and self.endocardial_factor is None:
            raise ValueError(
                "found no endocardial_factor, expected one where there are no velocities"
            )
        _require_one_of(
            {
                "velocities.endocardial": velocities and velocities.endocardial,
                "endocardial_factor": self.endocardial_factor,
            }
        )
        return self

    @property
    def anisotropy(self) -> float:
        """Effective conductivity along the fibres over that across them [1]."""
        if self.velocities is not None:
            return (self.velocities.fibre / self.velocities.cross) ** 2
        assert self.intracellular is not None
        inside, outside = self.intracellular, self.extracellular
        along = 1.0 / (1.0 / inside.fibre + 1.0 / outside.fibre)
        return along * (1.0 / inside.cross + 1.0 / outside.cross)

    @property
    def fast_layer_factor(self) -> float:
        """Conductivities where cells touch an endocardium over those of the others [1].

        These cells are one layer of elements, and half of what its lower nodes belong to is muscle
        that conducts as the rest.  They hold the wave back to the velocity that the mean of both
        conductivities gives; ``tests/regression/test_given_velocities.py`` measures it.
        """
        if self.endocardial_factor is not None:
            return self.endocardial_factor
        assert self.velocities is not None
        assert self.velocities.endocardial is not None
        square = (self.velocities.endocardial / self.velocities.fibre) ** 2
        # Beside muscle that leads there is nothing to hold back.
        return max(square, 2.0 * square - 1.0)


def _endocardial(velocities: Any) -> Any:
    if isinstance(velocities, Velocities):
        return velocities.endocardial
    return velocities.get("endocardial") if isinstance(velocities, dict) else None


def _require_one_of(settings: dict[str, object]) -> None:
    """Raise a ValueError unless exactly one of these settings has a value."""
    given = [name for name, value in settings.items() if value is not None]
    if len(given) != 1:
        found = " and ".join(given) or f"neither {' nor '.join(settings)}"
        raise ValueError(f"found {found}, expected one of them")
