"""Hearts without an answer: which, why, and how they are tried again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from polycardia.errors import BadArchive, BadStudy
from polycardia.io.heart_file import read_fate
from polycardia.io.origin import PREPARED, SOLVED, Outcome
from polycardia.io.prepared import PreparedFile
from polycardia.study.attempts import STAGES, attempts_path
from polycardia.study.job_logs import decisive_line

DAMAGED = "damaged"  # a file that is not whole
UNRECORDED = "no_result"  # a job that died, with tries left or of nothing that is the heart's


@dataclass(frozen=True)
class Failure:
    """A heart without an answer.

    Attributes:
        patient: identifier.
        status: the outcome's, `DAMAGED` or `UNRECORDED`.
        detail: the outcome's sentence.
        log: of the step that it failed at.
        said: that log's decisive line.
        files: that stand in the way of another try.
    """

    patient: str
    status: str
    detail: str
    log: Path
    said: str
    files: Sequence[Path]


def failures(patients: Sequence[str], results: Path) -> Iterator[Failure]:
    """Yield the hearts without an answer, in the order of ``patients``."""
    for patient in patients:
        heart = results / "hearts" / f"{patient}.vtkhdf"
        outcome = _outcome(heart)
        if outcome is None or outcome.status != SOLVED:
            failure = _failure(patient, results, heart, outcome)
            if failure is not None:
                yield failure


def _outcome(heart: Path) -> Outcome | None:
    if not heart.exists():
        return None
    try:
        return read_fate(heart)[0]
    except BadArchive as fault:
        return Outcome(DAMAGED, str(fault))


def _failure(patient: str, results: Path, heart: Path, outcome: Outcome | None) -> Failure | None:
    prepared = results / "work" / patient / "prepared.h5"
    failed_before = _not_prepared(prepared)
    stage = STAGES[0] if failed_before or not prepared.exists() else STAGES[1]
    log = results / "logs" / stage / f"{patient}.log"
    said = decisive_line(log)
    if outcome is None:
        return Failure(patient, UNRECORDED, said, log, said, ()) if said else None
    files = [heart, *([prepared] if failed_before else [])]
    files += [attempts_path(results, patient, each) for each in STAGES]
    return Failure(patient, outcome.status, outcome.detail, log, said, files)


def _not_prepared(prepared: Path) -> bool:
    """Whether there is a file that says that its heart cannot be simulated, or a damaged one."""
    if not prepared.exists():
        return False
    try:
        with PreparedFile(prepared) as file:
            return file.outcome.status != PREPARED
    except BadArchive:
        return True


def described(found: Sequence[Failure]) -> str:
    """Return a few lines for a person on each."""
    lines = []
    for failure in found:
        lines.append(f"{failure.patient}  {failure.status}: {failure.detail}")
        lines.append(f"    {failure.log}")
        if failure.said and failure.said not in failure.detail:
            lines.append(f"    {failure.said}")
    return "\n".join(lines)


def free(found: Sequence[Failure]) -> None:
    """Delete what stands in the way of another try; checkpoints stay.

    Raises:
        BadStudy: a file cannot be deleted.
    """
    for failure in found:
        for file in failure.files:
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise BadStudy(f"{file} cannot be deleted: {error.strerror}") from None
