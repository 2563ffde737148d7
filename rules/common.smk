"""Names shared by all rules: the study, the cohort, paths and sizes.  No rules here."""

import gc
import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from polycardia import SOLVER_VERSION
from polycardia.cohort import clinical_digest_of, read_cohort, shard_of
from polycardia.companions import point_file
from polycardia.config import study_from
from polycardia.errors import BadStudy, PolycardiaError
from polycardia.io.run_lock import RUN, hold, join
from polycardia.ionic.models import MODELS, model_files
from polycardia.scheduler import cores_of_a_step
from polycardia.study import sizing
from polycardia.study.damage import damaged_suspects, set_aside
from polycardia.study.kernels import require_models
from polycardia.study.sizing import ATTEMPTS, FEWEST_RANKS

MODEL_FILES = (".mmt", ".cellml", ".toml")  # of the user's own


def checked(read, *arguments, **options):
    """What a reader returns, or its faults in FAULTS and None."""
    try:
        return read(*arguments, **options)
    except BadStudy as fault:
        FAULTS.append(str(fault))
        return None


def cell_models_of(study):
    for layer, cell in study.cells.by_layer().items():
        missing = [str(path) for path in model_files(cell.name) if not path.is_file()]
        if missing or not (cell.name in MODELS or cell.name.endswith(MODEL_FILES)):
            raise BadStudy(
                f"config: cells.{layer}.name: found {cell.name!r}, expected one of "
                f"{', '.join(MODELS)}, or a file {' or '.join(MODEL_FILES)} that exists"
            )
    if PLANNING:
        require_models(study)


def results_of(study):
    folder = Path(study.results).absolute()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise BadStudy(
            f"config: results: found {study.results!r}, expected a folder that can be written"
        )
    return study.results


def point_files_of(study, patient):
    endings = [place.points.ending for place in study.protocol.places if place.points]
    return [str(point_file(patient.source.mesh, ending)) for ending in endings]


def point_files_exist(study, patients):
    missing = [
        f"{name}: {path}"
        for name, patient in patients.items()
        for path in point_files_of(study, patient)
        if not os.path.isfile(path)
    ]
    if missing:
        raise BadStudy(
            f"config: protocol.places: {len(missing)} files of points are missing beside their "
            f"meshes, the first of patient {missing[0]}"
        )


FAULTS = []
STUDY = checked(study_from, config, "config")
# A wrong setting elsewhere must not hide what is wrong with the table.
TABLE = STUDY.cohort if STUDY else config.get("cohort")
if not isinstance(TABLE, str) or not TABLE.isprintable():
    TABLE = "cohort.tsv"
OUTSIDE = STUDY.meshes_outside if STUDY else config.get("meshes_outside") is True
# A job does not ask for every patient's files again: on a shared file system, thousands of jobs
# would ask its server for thousands of files each.
PLANNING = workflow.is_main_process
# What else Snakemake does with a plan; it does not tell a Snakefile which.
ONLY_LOOKS = set(
    "--lint --summary -S --detailed-summary -D --dag --rulegraph --filegraph --d3dag --report"
    " --list-rules -l --list-target-rules --list-changes --list-untracked --unlock".split()
)
RUNNING = (
    PLANNING
    and not workflow.output_settings.dryrun
    and ONLY_LOOKS.isdisjoint(option.partition("=")[0] for option in sys.argv)
)
PATIENTS = checked(
    read_cohort, Path(TABLE), meshes_outside=OUTSIDE, files_known=not PLANNING
)
if STUDY:
    checked(cell_models_of, STUDY)
    checked(results_of, STUDY)
if STUDY and PATIENTS and PLANNING:
    checked(point_files_exist, STUDY, PATIENTS)
if FAULTS:
    raise WorkflowError("\n".join(FAULTS))

RESULTS = STUDY.results
MODEL = f"{RESULTS}/models/{{layer}}.json"
KERNELS = f"{RESULTS}/models/kernels"
WORK = f"{RESULTS}/work/{{patient}}"
PREPARED = f"{WORK}/prepared.h5"
HEART = f"{RESULTS}/hearts/{{patient}}.vtkhdf"
SHARD = f"{RESULTS}/shards/{{shard}}.h5"
ARCHIVE = f"{RESULTS}/cohort.h5"
REPORT = f"{RESULTS}/report/index.html"
RUN_PAGE = f"{RESULTS}/report/run.html"
LOGS = f"{RESULTS}/logs"

# One JSON string each: Snakemake tracks text reliably, other types not always.
PREPARATION = STUDY.preparation().model_dump_json()
SIMULATION = STUDY.simulation().model_dump_json()
LAYERS = list(STUDY.cells.by_layer())

SHARDS = {}
for patient in PATIENTS:
    SHARDS.setdefault(str(shard_of(patient, STUDY.archive.shards)), []).append(patient)


def mend():
    """Have what is damaged made again by this run; a dry run only tells."""
    for damage in damaged_suspects(
        Path(RESULTS), SHARDS, voltages=STUDY.outputs.voltage is not None
    ):
        if not RUNNING:
            logger.warning(f"{damage.sentence}; a run would make it again")
        else:
            logger.warning(f"{damage.sentence}; {set_aside(damage.path)}")


# Snakemake's own lock outlives a Snakemake that is killed, so the profiles do without it.
try:
    if not PLANNING:
        join()
    if RUNNING:
        os.environ[RUN] = hold(Path(RESULTS), logger.warning)
    if PLANNING:
        mend()
except PolycardiaError as fault:
    raise WorkflowError(str(fault))

# A job's own Snakemake must not try again by itself: that would be in the same job, with the memory
# and the time that were too little.
RETRIES = ATTEMPTS if PLANNING else 0

# Where hearts are packed onto the nodes of one allocation (slurm/allocation), what a job computes
# is a step of that, on one node; elsewhere this is nothing.
STEP = "${{POLYCARDIA_STEP:+$POLYCARDIA_STEP --cpus-per-task={threads} --mem=%s}}"
SMALL_STEP = STEP % "{resources.mem_mb}M"
BEAT_STEP = STEP % "$(({threads} * {resources.mem_mb_per_cpu}))M"
LARGEST_BEAT = cores_of_a_step() or sizing.MOST_RANKS

# A graph of thousands of jobs is there to stay: at 5,000 hearts, looking through it for garbage as
# often as Python does took an eighth of a dry run.
gc.set_threshold(100_000, 50, 100)

# Names of patients, and what logs say of their hearts: for the user and the group only.  Snakemake
# has opened its own log by now.
os.umask(os.umask(0o027) | 0o027)
if PLANNING and os.path.isdir(".snakemake"):
    os.chmod(".snakemake", os.stat(".snakemake").st_mode & ~0o027)

# Jobs run this checkout's code, in whatever environment they are given.
os.environ.update(PYTHONPATH=f"{workflow.basedir}/src")
# Kernels and matrices use one core a rank; threads in libraries would fight over it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
if (
    os.geteuid() == 0
):  # containers and one-person machines; Open MPI refuses root otherwise
    os.environ.setdefault("OMPI_ALLOW_RUN_AS_ROOT", "1")
    os.environ.setdefault("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1")


wildcard_constraints:
    patient=r"[A-Za-z0-9_-]+",
    shard=r"[0-9]+",
    layer=r"[a-z]+",


def source_files(wildcards):
    patient = PATIENTS[wildcards.patient]
    files = [str(path) for path in patient.source.files()]
    return files + point_files_of(STUDY, patient)


def source_json(wildcards):
    return PATIENTS[wildcards.patient].source.to_json()


def hearts_of_shard(wildcards):
    return expand(HEART, patient=SHARDS[wildcards.shard])


def clinical_digest(wildcards):
    """Of what the table says of a shard's patients: tracked, and never shown."""
    return clinical_digest_of(PATIENTS[patient] for patient in SHARDS[wildcards.shard])


def cell_model(wildcards):
    return STUDY.pacing_of(wildcards.layer).model_dump_json()


def cell_model_text(wildcards):
    """Files of the user's are inputs; models that polycardia ships have its version."""
    name = STUDY.cells.by_layer()[wildcards.layer].name
    return [str(path) for path in model_files(name)]


def shown_settings(wildcards):
    """A function's text is taken as it is, braces in the title included."""
    return STUDY.model_dump_json(
        exclude={"cohort", "results", "meshes_outside", "archive"}
    )


def attempt_number(wildcards, attempt):
    """Through a resource: nothing is computed again because it differs."""
    return attempt


def prepare_memory(wildcards, input, attempt):
    """[MB], more on every retry."""
    source = sum(os.path.getsize(path) for path in input)
    return sizing.prepare_memory(source, STUDY.anatomy.edge_length, attempt)


def small_memory(wildcards, attempt):
    """[MB] of a step that holds no heart."""
    return sizing.small_memory(attempt)


def gathering_memory(wildcards, attempt):
    """[MB] of a step that holds every patient's ECG."""
    return sizing.gathering_memory(len(PATIENTS), attempt)


def minutes(wildcards, attempt):
    """[min] of a step that is over in seconds for most."""
    return sizing.short_minutes(attempt)


def beat_job(input, attempt):
    nodes = sizing.nodes_of(os.path.getsize(input.heart))
    return sizing.beat_job(
        nodes, STUDY.numerics.n_steps, attempt, most_ranks=LARGEST_BEAT
    )


def simulate_minutes(wildcards, input, attempt):
    """[min], more on every retry."""
    return beat_job(input, attempt).minutes


def ranks(wildcards, input, attempt):
    return beat_job(input, attempt).ranks


def cores(wildcards, input, attempt):
    """As many as ranks; a plan of a heart that is not prepared yet counts the fewest.

    Threads, unlike resources, must be a number at once; the job asks again when it is ready.
    """
    there = os.path.exists(input.heart)
    return ranks(wildcards, input, attempt) if there else FEWEST_RANKS


def tasks(wildcards, input, threads, attempt):
    """Ranks as sized, or where this machine is all there is, no more than it has cores.

    Snakemake fits threads to ``--cores``, but inside a batch job that would be one node's.
    """
    alone = workflow.is_main_process and workflow.local_exec
    return threads if alone else ranks(wildcards, input, attempt)


def memory_per_rank(wildcards, input, attempt):
    """[MB], more on every retry."""
    return beat_job(input, attempt).memory_per_rank
