"""Each command: from its arguments to one use case.

Use cases are imported when they run: some start MPI, others load VTK, and help needs neither.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from polycardia.cohort import Patient, Source, read_cohort
from polycardia.config import Pacing, Preparation, Simulation, Study, checked, read_study
from polycardia.errors import BadStudy
from polycardia.io.run_lock import hold

Arguments = argparse.Namespace

SHORTEST_WATCH = 1.0  # [s]
CLEAR = "\x1b[H\x1b[2J"  # of a terminal


def model(arguments: Arguments) -> None:
    from polycardia.study.model import model

    if arguments.config:
        if arguments.output:
            raise BadStudy("--output goes with --settings; with --config there are three outputs")
        study = read_study(arguments.config)
        for layer in study.cells.by_layer():
            models = _results(study) / "models"
            model(study.pacing_of(layer), models / "kernels", models / f"{layer}.json")
    else:
        settings = checked(Pacing, arguments.settings or "", "settings")
        model(settings, _needed(arguments, "kernels"), _needed(arguments, "output"))


def pace(arguments: Arguments) -> None:
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


def prepare(arguments: Arguments) -> None:
    from polycardia.study.prepare import prepare

    if arguments.config:
        study, patient = _study_and_patient(arguments)
        output = _results(study) / "work" / patient.identifier / "prepared.h5"
        prepare(patient.source, study.preparation(), arguments.output or output)
    else:
        source = Source.from_json(_needed(arguments, "source"))
        settings = checked(Preparation, arguments.settings or "", "settings")
        prepare(source, settings, _needed(arguments, "output"))


def simulate(arguments: Arguments) -> None:
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
            checked(Simulation, arguments.settings or "", "settings"),
            models=_needed(arguments, "models"),
            kernels=_needed(arguments, "kernels"),
            output=_needed(arguments, "output"),
            comm=world(),
            checkpoint=plan,
        )


def shard(arguments: Arguments) -> None:
    from polycardia.study.archive import shard

    shard(
        arguments.cohort,
        arguments.hearts,
        number=arguments.shard,
        shards=arguments.of,
        output=arguments.output,
    )


def archive(arguments: Arguments) -> None:
    from polycardia.study.archive import archive

    archive(arguments.shards, most_failed=arguments.most_failed, output=arguments.output)


def report(arguments: Arguments) -> None:
    from polycardia.study.report import report

    given = arguments.settings
    study = checked(Study, given or "", "settings") if given else read_study(arguments.config)
    report(arguments.archive, study, arguments.output)


def status(arguments: Arguments) -> None:
    from polycardia.study.run_page import write_run_page
    from polycardia.study.status import Status, described, is_over

    if arguments.watch is not None and not arguments.watch >= SHORTEST_WATCH:
        raise BadStudy(f"--watch {arguments.watch:g} s, expected {SHORTEST_WATCH:g} or more")
    study = read_study(arguments.config)
    patients = read_cohort(Path(study.cohort), meshes_outside=True)
    asked = Status(list(patients), _results(study))
    while True:
        states = asked.look()
        clear = CLEAR if arguments.watch and sys.stdout.isatty() else ""
        print(f"{clear}{described(states, asked.now)}", flush=True)
        if arguments.page is not None:
            refresh = None if arguments.watch is None else round(arguments.watch)
            write_run_page(
                states, asked.now, arguments.page, title=study.report.title, refresh=refresh
            )
        if arguments.watch is None or is_over(states):
            return
        try:
            time.sleep(arguments.watch)
        except KeyboardInterrupt:
            return


def plan(arguments: Arguments) -> None:
    from polycardia.scheduler import partitions
    from polycardia.study.kernels import require_models
    from polycardia.study.mesh_size import prepared_nodes
    from polycardia.study.plan import plan
    from polycardia.study.plan_wording import as_json, described

    study = read_study(arguments.config)
    require_models(study)
    patients = read_cohort(Path(study.cohort), meshes_outside=study.meshes_outside)

    def measure(patient: Patient) -> float:
        return prepared_nodes(patient.source, study.anatomy.edge_length)

    found = plan(study, patients, measure, again=arguments.all)
    print((as_json if arguments.json else described)(found, partitions()))


def failed(arguments: Arguments) -> None:
    from polycardia.study.failed import described, failures, free

    study = read_study(arguments.config)
    patients = read_cohort(Path(study.cohort), meshes_outside=True)
    wanted = arguments.status
    found = [
        failure
        for failure in failures(list(patients), _results(study))
        if wanted is None or failure.status == wanted
    ]
    if found:
        print(described(found))
    print(f"{len(found)} of {len(patients)} hearts without an answer", end="")
    if arguments.retry:
        hold(_results(study), print)
        free(found)
    print("; the next run tries them again" if arguments.retry and found else "")


def attempt(arguments: Arguments) -> None:
    from polycardia.study.attempts import begin, died

    if arguments.died is None:
        begin(arguments.attempts, arguments.number)
    else:
        died(arguments.attempts, arguments.died)


def conclude(arguments: Arguments) -> None:
    from polycardia.study.attempts import conclude_preparation, conclude_simulation

    where = {"record": arguments.attempts, "output": arguments.output, "least": arguments.of}
    if arguments.heart is None:
        source = Source.from_json(arguments.source)
        settings = checked(Preparation, arguments.settings, "settings")
        conclude_preparation(source, settings, **where)
    else:
        conclude_simulation(
            arguments.heart, checked(Simulation, arguments.settings, "settings"), **where
        )


def slab(arguments: Arguments) -> None:
    from polycardia.study.slab import slab

    slab(
        spacing=arguments.dx,
        dt=arguments.dt,
        ranks=arguments.ranks,
        as_json=arguments.json,
        kind=arguments.mesh,
        until=arguments.until,
        corrected=not arguments.uncorrected,
    )


def synthesise(arguments: Arguments) -> None:
    from polycardia.study.synthesise import synthesise

    table = synthesise(
        arguments.patients, arguments.seed, arguments.output, edge_length=arguments.edge_length
    )
    print(table)


def pack(arguments: Arguments) -> None:
    from polycardia.io.packing import pack

    print(f"{arguments.output}: {pack(arguments.archive, arguments.output)} hearts")


def verify(arguments: Arguments) -> None:
    from polycardia.study.archive import verify
    from polycardia.study.damage import all_damaged, set_aside

    if arguments.set_aside:
        hold(arguments.results, print)
        for damage in list(all_damaged(arguments.results)):
            print(f"{damage.sentence}; {set_aside(damage.path)}")
        return
    print(f"{arguments.results}: {verify(arguments.results)} hearts keep the format's promises")


def defaults(arguments: Arguments) -> None:
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


def _needed(arguments: Arguments, name: str) -> Any:
    """Return an argument that goes with ``--settings``."""
    value = getattr(arguments, name)
    if value is None:
        of_patient = " and --patient" if hasattr(arguments, "patient") else ""
        raise BadStudy(f"--settings goes with --{name}; or give --config{of_patient}")
    return value
