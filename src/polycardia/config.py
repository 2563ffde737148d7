"""The whole of ``config.yaml`` as frozen types: what is not here is a typo.

Units stand in brackets and the source behind them; ``docs/defaults.yaml`` is written
from these fields.  Where jobs go and how large they are is the profile's business.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from polycardia.errors import BadStudy

FEWEST_SAMPLES = 50  # of an ECG that can be drawn and measured
PACING_DT = 0.01  # [ms], time step of single cells


def _number(value: Any) -> Any:
    """Read ``1e3``, which YAML 1.1 takes for text because it has no point."""
    return float(value) if isinstance(value, str) and SCIENTIFIC.fullmatch(value) else value


SCIENTIFIC = re.compile(r"[+-]?[0-9]+[eE][+-]?[0-9]+")
Number = Annotated[float, BeforeValidator(_number)]
Positive = Annotated[Number, Field(gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[Number, Field(ge=0.0, allow_inf_nan=False)]
Finite = Annotated[Number, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Degrees = Annotated[float, Field(ge=-90.0, le=90.0)]


def whole_steps(interval: float, dt: float, name: str) -> int:
    """Return how many steps of ``dt`` [ms] make ``interval`` [ms].

    Raises:
        ValueError: the interval is not a whole number of steps.
    """
    count = round(interval / dt)
    if count < 1 or abs(count * dt - interval) > 1e-9 * interval:
        raise ValueError(f"{name} {interval:g} ms is not a whole number of steps of dt {dt:g} ms")
    return count


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Fibres(_Section):
    """Angles of the rule-based fibres, used where a mesh brings none.

    Bayer, Blake, Plank, Trayanova, Ann Biomed Eng 40:2243 (2012).
    """

    alpha_endo: Degrees = Field(40.0, description="helix angle at the endocardium [degree]")
    alpha_epi: Degrees = Field(-50.0, description="helix angle at the epicardium [degree]")
    beta_endo: Degrees = Field(-65.0, description="sheet angle at the endocardium [degree]")
    beta_epi: Degrees = Field(25.0, description="sheet angle at the epicardium [degree]")


class Anatomy(_Section):
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


class Conductivity(_Section):
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


class Tissue(_Section):
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
        9.0,
        description="conductivities of the cells that touch an endocardium are multiplied by "
        "this, for the Purkinje network's fast layer: 9 triples the velocity [1]",
    )


class CellModel(_Section):
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


class Cells(_Section):
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


class Pacing(_Section):
    """A cell model and the rhythm that its tissue's starting state comes from."""

    model: CellModel
    cycle_length: Positive = Cells.model_fields["cycle_length"].default
    beats: Annotated[int, Field(ge=0)] = Cells.model_fields["beats"].default


class ActivationSite(_Section):
    """Where activation starts, in the heart's own frame."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    ventricle: Literal["lv", "rv"]
    apicobasal: Fraction = Field(description="0 at the apex, 1 at the base")
    rotation: Finite = Field(
        description="about the long axis, 0 at the septum's middle, positive towards anterior "
        "[degree]"
    )
    time: NonNegative = Field(0.0, description="[ms]")


# YAML has lists where these types have tuples, so that they cannot change.
Sites = Annotated[tuple[ActivationSite, ...] | None, Field(strict=False, min_length=1)]


class Stimulus(_Section):
    """The current that starts a beat at each site."""

    amplitude: Positive = Field(
        50.0, description="current per membrane capacitance [uA/uF = mV/ms]"
    )
    duration: Positive = Field(2.0, description="[ms]")


class Protocol(_Section):
    """How the beat is started."""

    sites: Sites = Field(
        None, description="none takes the five sites of docs/physics.md after Durrer et al. 1970"
    )
    site_radius: Positive = Field(3.0, description="of a stimulated endocardial patch [mm]")
    stimulus: Stimulus = Stimulus()

    @model_validator(mode="after")
    def _sites_have_names_of_their_own(self) -> Self:
        names = [site.name for site in self.sites or ()]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{names.count(name)} sites are called {name!r}, expected one")
        return self


class Numerics(_Section):
    """Discretisation in space and time."""

    dt: Positive = Field(0.05, description="time step [ms]")
    duration: Positive = Field(500.0, description="of the simulated beat [ms]")
    stop: Literal["at_duration", "when_activated"] = Field(
        "at_duration", description="when_activated ends early, without repolarisation or T wave"
    )
    theta: Annotated[float, Field(ge=0.5, le=1.0)] = Field(
        0.5, description="0.5 is Crank-Nicolson, 1 backward Euler"
    )
    mass_lumping: Fraction = Field(
        0.0, description="share of the lumped mass matrix, the rest is consistent"
    )
    tolerance: Positive = Field(
        1e-5, description="of one diffusion solve: root mean square residual over the nodes [mV]"
    )
    activation_threshold: Finite = Field(
        0.0, description="activation is the first upward crossing [mV]; Niederer 2011"
    )
    repolarisation_threshold: Finite = Field(
        -70.0, description="repolarisation is the last downward crossing [mV]"
    )
    report_interval: Positive = Field(10.0, description="simulated time between log lines [ms]")

    @model_validator(mode="after")
    def _steps_are_whole(self) -> Self:
        for name in ("duration", "report_interval"):
            whole_steps(getattr(self, name), self.dt, name)
        if self.report_interval > self.duration:
            raise ValueError(
                f"report_interval {self.report_interval:g} ms, expected at most the duration, "
                f"{self.duration:g} ms"
            )
        return self

    @property
    def n_steps(self) -> int:
        return whole_steps(self.duration, self.dt, "duration")


ElectrodeName = Literal["RA", "LA", "RL", "LL", "V1", "V2", "V3", "V4", "V5", "V6"]
Place = Annotated[tuple[Finite, Finite, Finite], Field(strict=False)]


class Electrocardiogram(_Section):
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


class Outputs(_Section):
    """What a heart's file holds beside the activation, repolarisation, fibres and regions."""

    fields: OutputFields = Field(
        get_args(OutputField), description="of the nodes and cells, by name"
    )


class Archive(_Section):
    """How results are gathered."""

    shards: Annotated[int, Field(ge=1, le=1024)] = Field(
        32, description="files between the hearts and the archive; one changed heart rewrites one"
    )
    max_failed_fraction: Fraction = Field(
        0.9, description="the run fails when more of its hearts than this have no answer"
    )


class Report(_Section):
    """What the page shows."""

    title: Annotated[str, Field(max_length=200)] = "polycardia cohort"
    pictures: Annotated[int, Field(ge=0)] = Field(
        100, description="hearts with pictures of their activation; the rest have rows and ECGs"
    )


class Preparation(_Section):
    """Everything that decides a prepared heart, and nothing else: a change here prepares again."""

    anatomy: Anatomy = Anatomy()
    intracellular: Intracellular = Intracellular()
    endocardial_factor: Positive = Tissue().endocardial_factor
    sites: Sites = None
    site_radius: Positive = Protocol().site_radius
    electrodes: dict[ElectrodeName, Place] = {}
    bath_conductivity: Positive = Electrocardiogram().bath_conductivity


class Simulation(_Section):
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


class Study(_Section):
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


def study_from(settings: Any, origin: str) -> Study:
    """Check settings as YAML gave them.

    Raises:
        BadStudy: names every field that is wrong, what was found and what is allowed.
    """
    if not isinstance(settings, dict):
        raise BadStudy(f"{origin}: found {type(settings).__name__}, expected a mapping of sections")
    try:
        # A section with all of its settings commented out is an empty one.
        return Study.model_validate({k: v for k, v in settings.items() if v is not None})
    except ValidationError as error:
        raise BadStudy(_sentences(error, origin)) from None


def read_study(path: Path) -> Study:
    """Read ``config.yaml``.

    Raises:
        BadStudy: the file is missing, is not YAML, or its settings are wrong.
    """
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadStudy(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadStudy(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    return study_from({} if settings is None else settings, str(path))


def _sentences(error: ValidationError, origin: str) -> str:
    faults = error.errors()
    # A list of which no item is sound is also too short: saying so would only confuse.
    within = {fault["loc"][:-2] for fault in faults} | {fault["loc"][:-1] for fault in faults}
    told = [f for f in faults if f["type"] != "too_short" or f["loc"] not in within]
    return "\n".join(f"{origin}: {_sentence(fault)}" for fault in told)


def _sentence(fault: ErrorDetails) -> str:
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        *section, name = fault["loc"]
        known = ", ".join(_settings_of(section))
        return f"{where}: there is no setting {name!r} here, allowed are {known}"
    if fault["type"] == "value_error":
        return f"{where}: {fault['ctx']['error']}".removeprefix(": ")
    return f"{where}: {fault['msg']}, found {_short(fault['input'])}"


def _settings_of(section: Sequence[int | str]) -> list[str]:
    """Return the names of the settings of a section, given the way to it."""
    model: type[BaseModel] = Study
    for part in section:
        if isinstance(part, str):
            model = _section_in(model.model_fields[part].annotation)
    return list(model.model_fields)


def _section_in(annotation: Any) -> type[BaseModel]:
    """Return the section that a field's type holds, also inside tuples and unions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (argument for argument in get_args(annotation) if argument is not type(None))
    return _section_in(next(inner))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
