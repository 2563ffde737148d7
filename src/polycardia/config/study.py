"""The whole study, and what each of its steps is given of it."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from polycardia.config.beat import Numerics
from polycardia.config.cells import Cells, Pacing, Waves
from polycardia.config.fields import PathName, Positive, Section, whole_steps
from polycardia.config.outputs import (
    Archive,
    Electrocardiogram,
    ElectrodeName,
    Outputs,
    Place,
    Report,
    require_countable,
)
from polycardia.config.places import EndocardialSite, Places
from polycardia.config.protocol import Protocol, Stimulation
from polycardia.config.tissue import Anatomy, Tissue
from polycardia.config.variation import RegionTag

FEWEST_SAMPLES = 50  # of an ECG that can be drawn and measured

PlacedSites = Annotated[tuple[EndocardialSite, ...] | None, Field(strict=False)]


class Preparation(Section):
    """Everything that decides a prepared heart, and nothing else: a change here prepares again."""

    anatomy: Anatomy = Anatomy()
    endocardial_factor: Positive = Tissue().fast_layer_factor
    conductivity_factors: dict[RegionTag, Positive] = Field(default={})
    sites: PlacedSites = None
    site_radius: Positive = Protocol().site_radius
    places: Places = ()
    electrodes: dict[ElectrodeName, Place] = Field(default={})
    bath_conductivity: Positive = Electrocardiogram().bath_conductivity


class Simulation(Section):
    """Everything that decides one patient's result, given the prepared heart."""

    tissue: Tissue = Tissue()
    cells: Cells = Cells()
    stimulation: Stimulation = Stimulation()
    numerics: Numerics = Numerics()
    sampling_interval: Positive = Electrocardiogram().sampling_interval
    outputs: Outputs = Outputs()

    @model_validator(mode="after")
    def _intervals_are_whole_steps(self) -> Self:
        dt = self.numerics.dt_quiet
        whole_steps(self.sampling_interval, dt, "ecg.sampling_interval", "numerics.dt_quiet")
        most = self.numerics.duration / FEWEST_SAMPLES
        if self.sampling_interval > most:
            raise ValueError(
                f"ecg.sampling_interval {self.sampling_interval:g} ms, expected at most "
                f"{most:g} ms, {FEWEST_SAMPLES} samples a beat"
            )
        require_countable(self.numerics.duration, self.sampling_interval, "ecg.sampling_interval")
        self.outputs.require_fit(self.sampling_interval, self.numerics.duration)
        return self


class Study(Section):
    """Top level of ``config.yaml``."""

    cohort: PathName = Field("cohort.tsv", description="table with one row a patient")
    results: PathName = Field("results", description="folder of everything that is computed")
    meshes_outside: bool = Field(
        False, description="allow mesh paths that leave the cohort table's folder"
    )
    anatomy: Anatomy = Anatomy()
    tissue: Tissue = Tissue()
    cells: Cells = Cells()
    protocol: Protocol = Protocol()
    numerics: Numerics = Numerics()
    ecg: Electrocardiogram = Electrocardiogram()
    outputs: Outputs = Outputs()
    archive: Archive = Archive()
    report: Report = Report()

    @model_validator(mode="after")
    def _simulation_is_sound(self) -> Self:
        self.simulation()
        self.protocol.require_fit(self.numerics.dt, self.numerics.duration)
        return self

    @model_validator(mode="after")
    def _probes_are_at_known_sites(self) -> Self:
        known = [*self.protocol.delays(), *(place.name for place in self.protocol.places)]
        for probe in self.outputs.probes.at:
            if probe.site is not None and probe.site not in known:
                raise ValueError(
                    f"outputs.probes: {probe.name} is at the site {probe.site!r}, expected one of "
                    f"{', '.join(known) or '(there are none)'}"
                )
        return self

    def preparation(self) -> Preparation:
        """Return what `polycardia prepare` is given."""
        return Preparation(
            anatomy=self.anatomy,
            endocardial_factor=self.tissue.fast_layer_factor,
            conductivity_factors={
                tag: region.conductivity_factor
                for tag, region in sorted(self.cells.regions.items())
                if region.conductivity_factor != 1.0
            },
            sites=self.protocol.without_times(),
            site_radius=self.protocol.site_radius,
            places=self.protocol.places,
            electrodes=self.ecg.electrodes,
            bath_conductivity=self.ecg.bath_conductivity,
        )

    def pacing_of(self, layer: str) -> Pacing:
        """Return what `polycardia model` is given for one layer."""
        waves = Waves(dt=self.numerics.dt, anisotropy=self.tissue.anisotropy)
        return self.cells.pacing_of(layer, waves)

    def simulation(self) -> Simulation:
        """Return what `polycardia simulate` is given."""
        return Simulation(
            tissue=self.tissue,
            cells=self.cells,
            stimulation=self.protocol.stimulation(),
            numerics=self.numerics,
            sampling_interval=self.ecg.sampling_interval,
            outputs=self.outputs,
        )
