"""Cell models, layer by layer, and the rhythm that their tissue starts from."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from polycardia.config.fields import Finite, Name, Positive, Section, whole_steps
from polycardia.config.variation import Gradients, Regions, Scaling, varying

PACING_DT = 0.01  # [ms], time step of single cells
LONGEST_CYCLE = 1e5  # [ms], of which a trace of the voltage has 2e5 samples at least


class CellModel(Section):
    """Which cell model, and where its parameters differ from its text."""

    name: Name = Field(
        description="a model that polycardia ships, or the path of a file: docs/cell-models.md"
    )
    parameters: dict[str, Finite] = Field(
        default={}, description="constants of the model by their name in its text, in its units"
    )
    scaling: Scaling = Field(
        default={}, description="factors of such constants, for example {g_kr: 0.5} for a drug"
    )
    units: Literal["strict", "tolerant", "assumed"] = Field(
        "strict",
        description="of a file's equations must add up; tolerant checks those of voltage and time, "
        "assumed takes these for mV and ms where they have none",
    )
    voltage: Name | None = Field(
        None, description="the membrane voltage's variable, where a file does not say or show it"
    )
    time: Name | None = Field(None, description="the time's variable, likewise")
    stimulus: Name | None = Field(
        None, description="variable of a file that is set to zero to take its stimulus out"
    )


class Endocardial(CellModel):
    """Cells next to the cavities, and of the whole septum."""

    name: Name = Field("tp06_endo", description=CellModel.model_fields["name"].description)


class Midwall(CellModel):
    """Cells of the middle of the wall."""

    name: Name = Field("tp06_mid", description=CellModel.model_fields["name"].description)


class Epicardial(CellModel):
    """Cells of the outer layer."""

    name: Name = Field("tp06_epi", description=CellModel.model_fields["name"].description)


class Settling(Section):
    """How single cells are paced until they repeat themselves: docs/cell-models.md."""

    tolerance: Positive = Field(
        1e-4, description="largest change from beat to beat, relative to each state's magnitude"
    )
    fewest_beats: Annotated[int, Field(ge=0)] = Field(20, description="paced in any case")
    most_beats: Annotated[int, Field(ge=10)] = Field(
        1000, description="after which a cell is called unsettled"
    )
    unsettled: Literal["refuse", "accept"] = Field(
        "refuse", description="a cell that alternates or never repeats itself"
    )
    stimulus_amplitude: Positive = Field(
        52.0, description="[uA/uF = mV/ms]; ten Tusscher and Panfilov 2006"
    )
    stimulus_duration: Positive = Field(1.0, description="[ms]")
    stimulus_carrier: Name = Field(
        "potassium",
        description="ions of the stimulus: potassium where the model counts it, nothing, or the "
        "name of a state",
    )

    @model_validator(mode="after")
    def _can_be_paced(self) -> Self:
        whole_steps(self.stimulus_duration, PACING_DT, "stimulus_duration")
        if self.fewest_beats > self.most_beats:
            raise ValueError(
                f"fewest_beats {self.fewest_beats}, expected at most most_beats, {self.most_beats}"
            )
        return self


class Cells(Section):
    """The cell models of the wall's three layers, and the rhythm they come from."""

    endocardial: Endocardial = Endocardial()
    midwall: Midwall = Midwall()
    epicardial: Epicardial = Epicardial()
    scaling: Scaling = Field(
        default={}, description="factors of constants in all three layers, beside each layer's own"
    )
    gradients: Gradients = Field(
        (), description="of constants along the heart's coordinates: docs/cell-models.md"
    )
    regions: Regions = Field(
        default={},
        description="conductivity and constants by the mesh's region tags, for example "
        "{3: {conductivity_factor: 0.1, scaling: {g_na: 0.3}}}",
    )
    cycle_length: Positive = Field(
        1000.0, le=LONGEST_CYCLE, description="of the single cells' pacing [ms]"
    )
    beats: Annotated[int, Field(ge=0)] | None = Field(
        None,
        description="so many instead of as many as pacing below takes; 0 starts from the text's "
        "values",
    )
    pacing: Settling = Settling()

    @model_validator(mode="after")
    def _cycles_are_whole_steps(self) -> Self:
        _check_cycle(self.cycle_length, self.pacing)
        return self

    def by_layer(self) -> dict[str, CellModel]:
        """Return the models in the order of ``physics.layers.layers``: from inside to outside."""
        return {
            "endocardial": self.endocardial,
            "midwall": self.midwall,
            "epicardial": self.epicardial,
        }

    def pacing_of(self, layer: str, waves: "Waves | None" = None) -> "Pacing":
        """Return what `polycardia model` is given for one layer."""
        return Pacing(
            model=self._scaled(self.by_layer()[layer]),
            varying=varying(layer, self.gradients, self.regions),
            cycle_length=self.cycle_length,
            beats=self.beats,
            settling=self.pacing,
            waves=waves,
        )

    def _scaled(self, model: CellModel) -> CellModel:
        """Return a layer's model with the factors of all layers beside its own."""
        both = dict(model.scaling)
        for name, factor in self.scaling.items():
            both[name] = factor * both.get(name, 1.0)
        return CellModel(**model.model_dump() | {"scaling": both})


class Waves(Section):
    """The tissue in which a cell model's waves are measured."""

    dt: Positive = Field(description="time step while a front moves [ms]")
    anisotropy: Positive = Field(description="conductivity along the fibres over that across [1]")


class Pacing(Section):
    """A cell model and the rhythm that its tissue's starting state comes from."""

    model: CellModel
    varying: Annotated[tuple[Name, ...], Field(strict=False)] = Field(
        (), description="constants that tissue has a factor of at every node; here they have none"
    )
    cycle_length: Positive = Field(Cells.model_fields["cycle_length"].default, le=LONGEST_CYCLE)
    beats: Annotated[int, Field(ge=0)] | None = None
    settling: Settling = Settling()
    waves: Waves | None = Field(None, description="none measures no waves")

    @model_validator(mode="after")
    def _cycles_are_whole_steps(self) -> Self:
        _check_cycle(self.cycle_length, self.settling)
        return self


def _check_cycle(cycle_length: float, settling: Settling) -> None:
    whole_steps(cycle_length, PACING_DT, "cycle_length")
    if cycle_length <= settling.stimulus_duration:
        raise ValueError(
            f"cycle_length {cycle_length:g} ms, expected more than the stimulus's duration, "
            f"{settling.stimulus_duration:g} ms"
        )
