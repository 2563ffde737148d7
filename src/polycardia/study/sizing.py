"""What a heart's jobs ask the machine for, by the heart's number of nodes.

The rules ask for this, and `polycardia plan` adds it up.  Nothing here reads a mesh: Snakemake asks
for every job, and again when its heart is prepared.
"""

from dataclasses import dataclass

# Measured on hearts of 25,000 to 734,000 nodes; see docs/numerics.md and docs/benchmarks.md.
PREPARED_BYTES_PER_NODE = 470
NODES_PER_RANK = 25_000
SOLVER_BYTES_PER_NODE = 1500
RESULT_BYTES_PER_NODE = 200
PREPARE_BYTES_PER_SOURCE_BYTE = 30  # of a mesh that is not refined
PROCESS_MB = 500  # interpreter and libraries, of every process
ECG_MB = 0.25
SOURCE_EDGE = 2.5  # [mm], coarser than most meshes from scans
FEWEST_RANKS, MOST_RANKS = 2, 64
"""Of a beat; at least two, as the SLURM executor takes no MPI job of one."""

ATTEMPTS = 3
"""To get an answer for a heart.  One more job then writes down why there is none."""

MORE_MEMORY = 1.5  # on every retry
# A step of a slow cell model with the front in all of the heart, on a slow core: ten times the
# usual.  A limit that is met costs a new start from the checkpoint, one too high a place in line.
SLOWEST_STEP = 1.0e-6  # [s] a node
START = 15  # [min] for waiting on a file system, and for whatever else goes slowly
SHORT = 30  # [min] of a step that is over in seconds for most


def nodes_of(prepared_bytes: int) -> float:
    """Return about how many nodes a heart has, from its prepared file's size."""
    return prepared_bytes / PREPARED_BYTES_PER_NODE


def only_concludes(attempt: int) -> bool:
    """Whether a job writes down why there is no answer, which takes next to nothing."""
    return attempt > ATTEMPTS


@dataclass(frozen=True)
class BeatJob:
    """What `simulate` asks for.

    Attributes:
        ranks: MPI ranks, a core each.
        memory_per_rank: [MB].
        minutes: after which the scheduler may end it.
    """

    ranks: int
    memory_per_rank: int
    minutes: int

    @property
    def memory(self) -> int:
        """Of all ranks [MB]."""
        return self.ranks * self.memory_per_rank


def beat_job(
    nodes: float, steps: int, attempt: int = 1, *, most_ranks: int = MOST_RANKS
) -> BeatJob:
    """Return the size of a beat's job: more memory and time on every attempt.

    Args:
        nodes: of the heart.
        steps: of the beat, if all of them were small.
        attempt: from 1; beyond the last it only concludes.
        most_ranks: of a job; the cores of a node where it must not be spread.
    """
    if only_concludes(attempt):
        return BeatJob(FEWEST_RANKS, PROCESS_MB, SHORT)
    ranks = max(FEWEST_RANKS, min(MOST_RANKS, most_ranks, round(nodes / NODES_PER_RANK)))
    # The first rank gathers the maps of the whole heart.
    share = (SOLVER_BYTES_PER_NODE + RESULT_BYTES_PER_NODE) * nodes / ranks
    memory = int((PROCESS_MB + share / 1e6) * MORE_MEMORY ** (attempt - 1))
    longest = nodes * steps * SLOWEST_STEP / ranks
    return BeatJob(ranks, memory, attempt * (START + round(longest / 60.0)))


def prepare_memory(source_bytes: int, edge_length: float | None, attempt: int = 1) -> int:
    """Return what the preparation of a heart asks for [MB].

    Args:
        source_bytes: of all its source files.
        edge_length: that the mesh is refined to [mm]; None leaves it as it is.
        attempt: from 1.
    """
    if only_concludes(attempt):
        return PROCESS_MB
    growth = max(1.0, SOURCE_EDGE / (edge_length or SOURCE_EDGE)) ** 3
    need = PROCESS_MB + source_bytes / 1e6 * growth * PREPARE_BYTES_PER_SOURCE_BYTE
    return int(need * MORE_MEMORY ** (attempt - 1))


def small_memory(attempt: int = 1) -> int:
    """Return what a step that holds no heart asks for [MB]."""
    return int(PROCESS_MB * MORE_MEMORY ** (attempt - 1))


def gathering_memory(patients: int, attempt: int = 1) -> int:
    """Return what a step that holds every patient's ECG several times asks for [MB]."""
    return int((2 * PROCESS_MB + patients * ECG_MB) * MORE_MEMORY ** (attempt - 1))


def short_minutes(attempt: int = 1) -> int:
    """Return the time limit of a step that is over in seconds for most."""
    return SHORT * attempt
