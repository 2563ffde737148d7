"""The heart before its beat: anatomy and tissue."""

from typing import Self

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


class Tissue(Section):
    """Ventricular myocardium.

    Membrane constants and extracellular conductivities are the N-version benchmark's (Niederer
    et al., Phil Trans R Soc A 369:4331, 2011). The intracellular ones are chosen so that the
    ten Tusscher-Panfilov 2006 cell conducts at 0.65 m/s along and 0.50 m/s across the fibres
    once the mesh resolves it, as in human ventricles (Taggart et al., J Mol Cell Cardiol
    32:621, 2000).
    """

    surface_to_volume: Positive = Field(140.0, description="chi [1/mm]")
    capacitance: Positive = Field(0.01, description="C_m [uF/mm^2]")
    intracellular: Intracellular = Intracellular()
    extracellular: Extracellular = Extracellular()
    endocardial_factor: Positive = Field(
        4.0,
        description="conductivities of the cells that touch an endocardium are multiplied by "
        "this, for the Purkinje network's fast layer: 4 doubles the velocity [1]",
    )
