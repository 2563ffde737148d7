"""Result files cut off or with changed bytes: some of every kind of file."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fault_ground import Trial, Verdict
from tiny_cohort import ENVIRONMENT, Study

KINDS = {
    "prepared heart": "work/*/prepared.h5",
    "heart": "hearts/s000?.vtkhdf",
    "voltage": "hearts/*.voltage.vtkhdf",
    "shard": "shards/*.h5",
    "archive": "cohort.h5",
    "page": "report/index.html",
    "cell state": "models/*.json",
    "copy of a cell state": "models/copies/*.json",
    "kernel": "models/kernels/*.so",
    "lock": ".run",
    "checkpoint": "work/*/checkpoint.h5",
    "record of attempts": "work/*/simulate.attempts.json",
    "Snakemake's record": "../.snakemake/metadata/*",
}
# How far the study is when it is damaged: what is not made yet.
STATES: Sequence[Sequence[str]] = (
    (),
    ("cohort.h5", "report/index.html"),
    ("shards/*.h5", "cohort.h5", "report/index.html"),
    ("hearts/*s0002*", "shards/*.h5", "cohort.h5"),
)


AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
"""For Open MPI, which the tests of some machines start as root."""


def cut_off(content: bytearray, chance: random.Random) -> str:
    length = chance.randrange(len(content))
    del content[length:]
    return f"cut off at {length}"


def emptied(content: bytearray, chance: random.Random) -> str:
    content.clear()
    return "emptied"


def flipped(content: bytearray, chance: random.Random) -> str:
    places = [chance.randrange(len(content)) for _ in range(chance.choice((1, 1, 8, 64)))]
    for place in places:
        content[place] ^= 1 << chance.randrange(8)
    return f"{len(places)} bytes flipped"


def zeroed(content: bytearray, chance: random.Random) -> str:
    """As after a loss of power: as long as it was, but empty from somewhere on."""
    start = chance.randrange(len(content))
    content[start:] = bytes(len(content) - start)
    return f"zeros from {start}"


WAYS: Sequence[Callable[[bytearray, random.Random], str]] = (cut_off, emptied, flipped, zeroed)


def damages(
    undisturbed: Study, folder: Path, chance: random.Random, checkpoint: Path, kinds: Sequence[str]
) -> Verdict:
    """Damage one file of each kind in a copy of the study, and judge what one run makes of it.

    Args:
        undisturbed: the study.
        folder: of the copy.
        chance: decides which files and bytes.
        checkpoint: of an unfinished beat of the second heart.
        kinds: of files.
    """
    trial = Trial(undisturbed, folder, "damaged file")
    results = trial.study.results
    trial.without(*chance.choice(STATES))
    unfinished = results / "work" / "s0002"
    if not (results / "hearts" / "s0002.vtkhdf").exists():
        shutil.copy(checkpoint, unfinished / "checkpoint.h5")
        (unfinished / "simulate.attempts.json").write_text('[{"number": 1, "began": "2026"}]\n')
    harmed: list[Path] = []
    for kind in kinds:
        path = _one(results, kind, chance)
        # A file and its only copy at once are beyond what any copy is for.
        if path is not None and path.name not in {other.name for other in harmed}:
            harmed.append(path)
            trial.injected(f"{kind} {path.name}: {_damage(path, kind, chance)}")
    return trial.judge(trial.finished(harmed))


def _one(results: Path, kind: str, chance: random.Random) -> Path | None:
    found = sorted(path for path in results.glob(KINDS[kind]) if path.stat().st_size)
    return chance.choice(found) if found else None


def _damage(path: Path, kind: str, chance: random.Random) -> str:
    # Nobody but Snakemake can tell a record of its own that reads well from a right one.
    way = cut_off if kind == "Snakemake's record" else chance.choice(WAYS)
    content = bytearray(path.read_bytes())
    before = bytes(content)
    said = way(content, chance)
    if content == before:  # zeros over zeros
        said = emptied(content, chance)
    path.write_bytes(content)
    return said


def batches(chance: random.Random, count: int, at_once: int = 7) -> Iterator[Sequence[str]]:
    """Yield kinds of files to damage together, every kind as often, until there are enough."""
    while count > 0:
        kinds = chance.sample(list(KINDS), len(KINDS))
        for start in range(0, len(kinds), at_once):
            some = kinds[start : start + at_once]
            yield some
            count -= len(some)


def unfinished_beat(undisturbed: Study, folder: Path) -> Path:
    """Return a checkpoint of the second heart, as a job leaves it that was killed."""
    study = undisturbed.copy(folder)
    path = folder / "checkpoint.h5"
    study.heart("s0002").unlink()
    running = subprocess.Popen(
        [
            *("mpirun", "--bind-to", "none", "--oversubscribe", "-n", "2"),
            *("python", "-m", "mpi4py", "-m", "polycardia", "simulate", "--config", "study.yaml"),
            *("--patient", "s0002", "--checkpoint", path, "--checkpoint-minutes", "0.001"),
        ],
        cwd=folder,
        env=ENVIRONMENT | AS_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    while not path.exists() and running.poll() is None:
        time.sleep(0.01)
    ended = running.poll() is not None
    if not ended:
        os.killpg(running.pid, signal.SIGKILL)
    said, _ = running.communicate(timeout=60)
    assert not ended, f"the beat ended without a checkpoint: {said.decode()[-2000:]}"
    return path
