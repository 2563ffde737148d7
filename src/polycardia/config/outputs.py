"""What is kept of a beat: ECG, fields, archive, report."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from polycardia.config.fields import Finite, Fraction, Positive, Section

ElectrodeName = Literal["RA", "LA", "RL", "LL", "V1", "V2", "V3", "V4", "V5", "V6"]
Place = Annotated[tuple[Finite, Finite, Finite], Field(strict=False)]


class Electrocardiogram(Section):
    """The 12-lead pseudo-ECG of an unbounded homogeneous medium."""

    electrodes: dict[ElectrodeName, Place] = Field(
        default={},
        description="places that differ from the rule of physics/electrodes.py: right, anterior, "
        "superior of the ventricles' centroid in an adult whose heart's wall is 150 mL [mm]",
    )

    bath_conductivity: Positive = Field(
        0.2, description="of the medium around the heart [mS/mm]; Keller et al. 2010, torso mean"
    )
    sampling_interval: Positive = Field(1.0, description="[ms]")


OutputField = Literal[
    "transmural",
    "apicobasal",
    "interventricular",
    "from_left",
    "from_right",
    "cell_type",
    "sheet",
]
OutputFields = Annotated[tuple[OutputField, ...], Field(strict=False)]


class Outputs(Section):
    """What a heart's file holds beside the activation, repolarisation, fibres and regions."""

    fields: OutputFields = Field(
        get_args(OutputField), description="of the nodes and cells, by name"
    )


class Archive(Section):
    """How results are gathered."""

    shards: Annotated[int, Field(ge=1, le=1024)] = Field(
        32, description="files between the hearts and the archive; one changed heart rewrites one"
    )
    max_failed_fraction: Fraction = Field(
        0.9, description="the run fails when more of its hearts than this have no answer"
    )


class Report(Section):
    """What the page shows."""

    title: Annotated[str, Field(max_length=200)] = "polycardia cohort"
    pictures: Annotated[int, Field(ge=0)] = Field(
        100, description="hearts with pictures of their activation; the rest have rows and ECGs"
    )
