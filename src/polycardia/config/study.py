"""The whole study, and what each of its steps is given of it."""

from typing import Self

from pydantic import Field, model_validator

from polycardia.config.beat import Numerics, Protocol, Sites, Stimulus
from polycardia.config.cells import Cells
from polycardia.config.fields import Name, Positive, Section, whole_steps
from polycardia.config.outputs import (
    Archive,
    Electrocardiogram,
    ElectrodeName,
    Outputs,
    Place,
    Report,
)
from polycardia.config.tissue import Anatomy, Intracellular, Tissue

FEWEST_SAMPLES = 50  # of an ECG that can be drawn and measured


class Preparation(Section):
    """Everything that decides a prepared heart, and nothing else: a change here prepares again."""

    anatomy: Anatomy = Anatomy()
    intracellular: Intracellular = Intracellular()
    endocardial_factor: Positive = Tissue().endocardial_factor
    sites: Sites = None
    site_radius: Positive = Protocol().site_radius
    electrodes: dict[ElectrodeName, Place] = Field(default={})
    bath_conductivity: Positive = Electrocardiogram().bath_conductivity


class Simulation(Section):
    """Everything that decides one patient's result, given the prepared heart."""

    tissue: Tissue = Tissue()
    cells: Cells = Cells()
    stimulus: Stimulus = Stimulus()
    numerics: Numerics = Numerics()
    sampling_interval: Positive = Electrocardiogram().sampling_interval
    outputs: Outputs = Outputs()

    @model_validator(mode="after")
    def _intervals_are_whole_steps(self) -> Self:
        dt = self.numerics.dt
        whole_steps(self.sampling_interval, dt, "ecg.sampling_interval")
        whole_steps(self.stimulus.duration, dt, "protocol.stimulus.duration")
        most = self.numerics.duration / FEWEST_SAMPLES
        if self.sampling_interval > most:
            raise ValueError(
                f"ecg.sampling_interval {self.sampling_interval:g} ms, expected at most "
                f"{most:g} ms, {FEWEST_SAMPLES} samples a beat"
            )
        return self


class Study(Section):
    """Top level of ``config.yaml``."""

    cohort: Name = Field("cohort.tsv", description="table with one row a patient")
    results: Name = Field("results", description="folder of everything that is computed")
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
        for site in self.protocol.sites or ():
            if site.time > 0.0:
                whole_steps(site.time, self.numerics.dt, f"protocol.sites: time of {site.name}")
            if site.time >= self.numerics.duration:
                raise ValueError(
                    f"protocol.sites: {site.name} at {site.time:g} ms, expected before the end, "
                    f"{self.numerics.duration:g} ms"
                )
        return self

    def preparation(self) -> Preparation:
        """Return what `polycardia prepare` is given."""
        return Preparation(
            anatomy=self.anatomy,
            intracellular=self.tissue.intracellular,
            endocardial_factor=self.tissue.endocardial_factor,
            sites=self.protocol.sites,
            site_radius=self.protocol.site_radius,
            electrodes=self.ecg.electrodes,
            bath_conductivity=self.ecg.bath_conductivity,
        )

    def simulation(self) -> Simulation:
        """Return what `polycardia simulate` is given."""
        return Simulation(
            tissue=self.tissue,
            cells=self.cells,
            stimulus=self.protocol.stimulus,
            numerics=self.numerics,
            sampling_interval=self.ecg.sampling_interval,
            outputs=self.outputs,
        )
