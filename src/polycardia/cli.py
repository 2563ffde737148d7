"""From argv to one use case to an exit status.

Status 0 is a result (a heart without an answer is one), 1 an error of the study or the machine,
2 a command line that cannot be understood.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

import polycardia
from polycardia.cohort import Patient, Source, read_cohort
from polycardia.config import Pacing, Preparation, Simulation, Study, read_study
from polycardia.errors import BadStudy, PolycardiaError

Section = TypeVar("Section", bound=BaseModel)
Arguments = argparse.Namespace

# Use cases are imported when they run: some start MPI, others load VTK, and help needs neither.


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    command: Callable[[Arguments], None] = arguments.command
    try:
        command(arguments)
    except PolycardiaError as error:
        print(f"polycardia: {error}", file=sys.stderr)
        return 1
    return 0


def _model(arguments: Arguments) -> None:
    from polycardia.study.model import model

    if arguments.config:
        if arguments.output:
            raise BadStudy("--output goes with --settings; with --config there are three outputs")
        study = read_study(arguments.config)
        for layer in study.cells.by_layer():
            models = _results(study) / "models"
            model(study.pacing_of(layer), models / "kernels", models / f"{layer}.json")
    else:
        settings = _section(Pacing, arguments.settings)
        model(settings, _needed(arguments, "kernels"), _needed(arguments, "output"))


def _pace(arguments: Arguments) -> None:
    from polycardia.study.pace import cell_settings, pace, study_settings

    typed = {name: getattr(arguments, name) for name in ("cycle_length", "tolerance", "beats")}
    if arguments.config:
        given = [name.replace("_", "-") for name, value in typed.items() if value is not None]
        if given:
            raise BadStudy(f"--{given[0]} goes with --model; with --config the study says it")
        cells = study_settings(read_study(arguments.config))
    else:
        cells = {arguments.model: cell_settings(arguments.model, **typed)}
    pace(
        cells,
        restitution=arguments.restitution,
        picture=arguments.picture,
        as_json=arguments.json,
    )


def _prepare(arguments: Arguments) -> None:
    from polycardia.study.prepare import prepare

    if arguments.config:
        study, patient = _study_and_patient(arguments)
        output = _results(study) / "work" / patient.identifier / "prepared.h5"
        prepare(patient.source, study.preparation(), arguments.output or output)
    else:
        source = Source.from_json(_needed(arguments, "source"))
        settings = _section(Preparation, arguments.settings)
        prepare(source, settings, _needed(arguments, "output"))


def _simulate(arguments: Arguments) -> None:
    from polycardia.solver.partition import world
    from polycardia.study.checkpoint import CheckpointPlan
    from polycardia.study.simulate import simulate

    plan = CheckpointPlan(
        arguments.resume or arguments.checkpoint,
        arguments.checkpoint_minutes,
        required=arguments.resume is not None,
    )
    if arguments.config:
        study, patient = _study_and_patient(arguments)
        results = _results(study)
        simulate(
            results / "work" / patient.identifier / "prepared.h5",
            study.simulation(),
            models=[results / "models" / f"{layer}.json" for layer in study.cells.by_layer()],
            kernels=results / "models" / "kernels",
            output=arguments.output or results / "hearts" / f"{patient.identifier}.vtkhdf",
            comm=world(),
            checkpoint=plan,
        )
    else:
        simulate(
            _needed(arguments, "heart"),
            _section(Simulation, arguments.settings),
            models=_needed(arguments, "models"),
            kernels=_needed(arguments, "kernels"),
            output=_needed(arguments, "output"),
            comm=world(),
            checkpoint=plan,
        )


def _shard(arguments: Arguments) -> None:
    from polycardia.study.archive import shard

    shard(
        arguments.cohort,
        arguments.hearts,
        number=arguments.shard,
        shards=arguments.of,
        output=arguments.output,
    )


def _archive(arguments: Arguments) -> None:
    from polycardia.study.archive import archive

    archive(arguments.shards, most_failed=arguments.most_failed, output=arguments.output)


def _report(arguments: Arguments) -> None:
    from polycardia.study.report import report

    given = arguments.settings
    study = _section(Study, given) if given else read_study(arguments.config)
    report(arguments.archive, study, arguments.output)


def _status(arguments: Arguments) -> None:
    from polycardia.study.status import status

    study = read_study(arguments.config)
    patients = read_cohort(Path(study.cohort), meshes_outside=True)
    print(status(list(patients), _results(study)))


def _slab(arguments: Arguments) -> None:
    from polycardia.study.slab import slab

    slab(
        spacing=arguments.dx,
        dt=arguments.dt,
        ranks=arguments.ranks,
        as_json=arguments.json,
        kind=arguments.mesh,
        until=arguments.until,
    )


def _synthesise(arguments: Arguments) -> None:
    from polycardia.study.synthesise import synthesise

    table = synthesise(
        arguments.patients, arguments.seed, arguments.output, edge_length=arguments.edge_length
    )
    print(table)


def _pack(arguments: Arguments) -> None:
    from polycardia.io.packing import pack

    print(f"{arguments.output}: {pack(arguments.archive, arguments.output)} hearts")


def _verify(arguments: Arguments) -> None:
    from polycardia.study.archive import verify

    print(f"{arguments.results}: {verify(arguments.results)} hearts keep the format's promises")


def _defaults(arguments: Arguments) -> None:
    from polycardia.study.settings import documented_defaults

    print(documented_defaults(), end="")


def _results(study: Study) -> Path:
    return Path(study.results)


def _study_and_patient(arguments: Arguments) -> tuple[Study, Patient]:
    study = read_study(arguments.config)
    if arguments.patient is None:
        raise BadStudy("--config goes with --patient; or give --settings")
    patients = read_cohort(Path(study.cohort), meshes_outside=study.meshes_outside)
    if arguments.patient not in patients:
        raise BadStudy(f"{study.cohort}: found no patient {arguments.patient!r}")
    return study, patients[arguments.patient]


def _section(section: type[Section], text: str | None) -> Section:
    """Read settings as the workflow hands them over."""
    try:
        return section.model_validate_json(text or "")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadStudy(f"settings: {where}: {first['msg']}") from None


def _needed(arguments: Arguments, name: str) -> Any:
    """Return an argument that goes with ``--settings``."""
    value = getattr(arguments, name)
    if value is None:
        raise BadStudy(f"--settings goes with --{name}; or give --config and --patient")
    return value


def _minutes(text: str) -> float:
    minutes = float(text)
    if not minutes > 0.0:
        raise argparse.ArgumentTypeError(f"found {text} minutes, need more than 0")
    return minutes


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="polycardia", description=polycardia.__doc__)
    parser.add_argument("--version", action="version", version=polycardia.__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, function: Callable[[Arguments], None], help_text: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_text, description=help_text)
        added.set_defaults(command=function)
        return added

    model = command("model", _model, "compile the cell models and pace them to their rhythm")
    _add_study(model)
    model.add_argument("--kernels", type=Path, help="folder of compiled kernels")

    pace = command("pace", _pace, "pace a single cell to its limit cycle and say what it does")
    paced = pace.add_mutually_exclusive_group(required=True)
    paced.add_argument("--model", help="a shipped cell model's name, or a file")
    paced.add_argument("--config", type=Path, help="config.yaml, whose three layers are paced")
    pace.add_argument("--cycle-length", type=float, help="[ms], 1000 by default")
    pace.add_argument("--tolerance", type=float, help="relative change a beat, 1e-4 by default")
    pace.add_argument("--beats", type=int, help="so many, settled or not")
    pace.add_argument(
        "--restitution", nargs="?", const="s1s2", choices=("s1s2", "dynamic"),
        help="how long action potentials last after a shorter diastole; s1s2 by default",
    )  # fmt: skip
    pace.add_argument("--picture", type=Path, help="file to draw, .svg or .png")
    pace.add_argument("--json", action="store_true", help="print one JSON object")

    prepare = command("prepare", _prepare, "check one heart's mesh and find all it needs")
    _add_study(prepare)
    prepare.add_argument("--patient", help="identifier in the cohort table")
    prepare.add_argument("--source", help="JSON, as the workflow hands it over")

    simulate = command("simulate", _simulate, "simulate one heart's beat; start it with mpirun")
    _add_study(simulate)
    simulate.add_argument("--patient", help="identifier in the cohort table")
    simulate.add_argument("--heart", type=Path, help="prepared.h5")
    simulate.add_argument("--models", type=Path, nargs="+", help="from inside to outside")
    simulate.add_argument("--kernels", type=Path, help="folder of compiled kernels")
    kept = simulate.add_mutually_exclusive_group()
    kept.add_argument(
        "--checkpoint", type=Path, help="file to go on from, if it fits, and to go on to"
    )
    kept.add_argument("--resume", type=Path, help="the same, and an error if it does not fit")
    simulate.add_argument(
        "--checkpoint-minutes", type=_minutes, default=10.0,
        help="wall time between two checkpoints, 10 by default",
    )  # fmt: skip

    shard = command("shard", _shard, "gather the rows of one shard's patients")
    shard.add_argument("--cohort", type=Path, required=True, help="cohort.tsv")
    shard.add_argument("--hearts", type=Path, required=True, help="folder of heart files")
    shard.add_argument("--shard", type=int, required=True, help="number of the shard")
    shard.add_argument("--of", type=int, required=True, help="how many shards there are")
    shard.add_argument("--output", type=Path, required=True)

    archive = command("archive", _archive, "join shards into the archive")
    archive.add_argument("--shards", type=Path, nargs="+", required=True)
    archive.add_argument("--most-failed", type=float, default=1.0, help="tolerated fraction")
    archive.add_argument("--output", type=Path, required=True, help="cohort.h5")

    report = command("report", _report, "write the archive as a page for people")
    report.add_argument("--archive", type=Path, required=True, help="cohort.h5")
    shown = report.add_mutually_exclusive_group(required=True)
    shown.add_argument("--config", type=Path, help="config.yaml, whose settings are shown")
    shown.add_argument("--settings", help="JSON, as the workflow hands it over")
    report.add_argument("--output", type=Path, required=True, help="index.html")

    status = command("status", _status, "say how far a run is")
    status.add_argument("--config", type=Path, default=Path("config.yaml"))

    slab = command("slab", _slab, "run the N-version benchmark (Niederer et al. 2011)")
    slab.add_argument("--dx", type=float, default=0.5, help="edge length [mm]")
    slab.add_argument("--dt", type=float, default=0.02, help="time step [ms]")
    slab.add_argument(
        "--mesh",
        choices=("bricks", "jittered", "unstructured"),
        default="bricks",
        help="kind of tetrahedra: bricks of six, the same with nodes displaced, or without order",
    )
    slab.add_argument("--ranks", type=int, help="MPI ranks to start")
    slab.add_argument("--until", type=float, help="stop here, activated or not [ms]")
    slab.add_argument("--json", action="store_true", help="print one JSON object")

    synthesise = command("synthesise", _synthesise, "make a cohort of hearts from statistics")
    synthesise.add_argument("--patients", type=int, required=True)
    synthesise.add_argument("--seed", type=int, default=1)
    synthesise.add_argument("--output", type=Path, required=True, help="folder")
    synthesise.add_argument("--edge-length", type=float, default=2.0, help="[mm]")

    pack = command("pack", _pack, "make one self-contained file of an archive and its hearts")
    pack.add_argument("archive", type=Path, help="cohort.h5")
    pack.add_argument("output", type=Path)

    verify = command("verify", _verify, "check every promise of docs/archive-format.md")
    verify.add_argument("results", type=Path, help="results folder")

    command("defaults", _defaults, "print every setting with its default, unit and source")
    return parser


def _add_study(command: argparse.ArgumentParser) -> None:
    """Add the two ways to say what to do: a person's and the workflow's."""
    group = command.add_mutually_exclusive_group(required=True)
    group.add_argument("--config", type=Path, help="config.yaml")
    group.add_argument("--settings", help="JSON, as the workflow hands it over")
    command.add_argument("--output", type=Path)
