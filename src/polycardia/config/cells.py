"""Cell models, layer by layer, and the rhythm that their tissue starts from."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from polycardia.config.fields import Finite, Name, Positive, Section, whole_steps

PACING_DT = 0.01  # [ms], time step of single cells


class CellModel(Section):
    """Which cell model, and where its parameters differ from its text."""

    name: Name = Field(
        description="a model that polycardia ships, or the path of a file: docs/cell-models.md"
    )
    parameters: dict[str, Finite] = Field(
        default={}, description="constants of the model by their name in its text, in its units"
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


class Cells(Section):
    """The cell models of the wall's three layers, and the rhythm they come from."""

    endocardial: Endocardial = Endocardial()
    midwall: Midwall = Midwall()
    epicardial: Epicardial = Epicardial()
    cycle_length: Positive = Field(1000.0, description="of the single cells' pacing [ms]")
    beats: Annotated[int, Field(ge=0)] = Field(
        20, description="single-cell beats before the tissue's; 0 starts from the text's values"
    )

    @model_validator(mode="after")
    def _cycles_are_whole_steps(self) -> Self:
        whole_steps(self.cycle_length, PACING_DT, "cycle_length")
        return self

    def by_layer(self) -> dict[str, CellModel]:
        """Return the models in the order of ``physics.layers.layers``: from inside to outside."""
        return {
            "endocardial": self.endocardial,
            "midwall": self.midwall,
            "epicardial": self.epicardial,
        }

    def pacing(self, layer: str) -> "Pacing":
        """Return what `polycardia model` is given for one layer."""
        return Pacing(
            model=CellModel(**self.by_layer()[layer].model_dump()),
            cycle_length=self.cycle_length,
            beats=self.beats,
        )


class Pacing(Section):
    """A cell model and the rhythm that its tissue's starting state comes from."""

    model: CellModel
    cycle_length: Positive = Cells.model_fields["cycle_length"].default
    beats: Annotated[int, Field(ge=0)] = Cells.model_fields["beats"].default
