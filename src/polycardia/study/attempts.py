"""A heart's attempts at a step: who tried it where, why each one died, and what it comes to."""

import json
import logging
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from polycardia.cohort import Source
from polycardia.config import Preparation, Simulation
from polycardia.errors import BadArchive, MachineTrouble
from polycardia.io.atomic import whole_file
from polycardia.io.heart_file import write_heart
from polycardia.io.origin import Outcome
from polycardia.io.prepared import PreparedFile, write_prepared
from polycardia.io.voltage_file import discard_voltage
from polycardia.provenance import origin
from polycardia.scheduler import job_id, state_of
from polycardia.study.damage import require_whole_input
from polycardia.study.death import DEATHS, KILLED, STATES, death_of
from polycardia.study.prepare import input_digests
from polycardia.study.record import heart_record

log = logging.getLogger(__name__)

STAGES = ("prepare", "simulate")


@dataclass(frozen=True)
class Attempt:
    """One try.

    Attributes:
        number: from 1.
        began: date and time, ISO 8601, UTC.
        host: that started it.
        job: of the batch system, or ''.
        death: what it died of, as `death.Death` has it; '' while that is not known.
        said: the decisive line of its log.
    """

    number: int
    began: str
    host: str
    job: str
    death: str = ""
    said: str = ""


def attempts_path(results: Path, patient: str, stage: str) -> Path:
    """Return where a heart's attempts at a step are kept until it has succeeded."""
    return results / "work" / patient / f"{stage}.attempts.json"


def begin(record: Path, number: int) -> None:
    """Write down that an attempt begins, and of what the one before has died, if it could not.

    Args:
        record: of the heart's attempts at this step.
        number: of this attempt, from 1.

    Raises:
        BadStudy: the record cannot be written.
    """
    earlier = _told_by_scheduler(_readable(record)) if number > 1 else []
    now = datetime.now(UTC).isoformat(timespec="seconds")
    _write(record, [*earlier, Attempt(number, now, platform.node(), job_id())])


def _readable(record: Path) -> list[Attempt]:
    """Return the attempts before; a damaged record must not keep a heart from being tried."""
    try:
        return read_attempts(record)
    except BadArchive as fault:
        log.warning("%s; the attempts before are not known", fault)
        return []


def died(record: Path, ended: Path) -> None:
    """Write down of what the last attempt has died, while its log is still there.

    Args:
        record: of the heart's attempts at this step.
        ended: log of the last one; the next one's takes its place.
    """
    attempts = read_attempts(record)
    if attempts:
        found = death_of(ended)
        last = replace(attempts[-1], death=found.kind, said=found.said)
        _write(record, [*attempts[:-1], last])


def conclude_preparation(
    source: Source, settings: Preparation, *, record: Path, output: Path, least: int = 1
) -> None:
    """Write that a heart could not be prepared.

    Args:
        source: its mesh.
        settings: of the preparation.
        record: of its attempts.
        output: ``prepared.h5``.
        least: attempts that a heart is due.

    Raises:
        MachineTrouble: the last attempt failed of nothing that is the heart's, or it had fewer.
    """
    attempts, outcome = _concluded(record, least)
    provenance = dict(origin(settings.model_dump_json()))
    provenance |= input_digests(source, settings)
    write_prepared(output, None, outcome, provenance | _unknown_cost(attempts))


def conclude_simulation(
    heart: Path, settings: Simulation, *, record: Path, output: Path, least: int = 1
) -> None:
    """Write that a heart could not be simulated.

    Args:
        heart: ``prepared.h5``.
        settings: of the simulation.
        record: of its attempts.
        output: ``<id>.vtkhdf``.
        least: attempts that a heart is due.

    Raises:
        MachineTrouble: the last attempt failed of nothing that is the heart's, or it had fewer.
        BadArchive: the prepared heart is missing or damaged.
    """
    attempts, outcome = _concluded(record, least)
    require_whole_input(heart)
    with PreparedFile(heart) as prepared:
        provenance = heart_record(prepared.provenance, settings)
    discard_voltage(output)  # of an attempt that died between its two files
    write_heart(output, None, outcome, provenance | {"ranks": 0} | _unknown_cost(attempts))


def _concluded(record: Path, least: int = 1) -> tuple[Sequence[Attempt], Outcome]:
    """Return all attempts and what they come to.

    A batch system that takes no jobs for a moment uses attempts up that never began.
    """
    attempts = _told_by_scheduler(read_attempts(record))
    if not attempts:
        raise MachineTrouble(f"{record}: found no attempt to conclude from")
    for each in attempts:
        why = "; ".join(filter(None, (each.death, each.said)))
        log.warning("attempt %d, %s: %s", each.number, _where(each), why)
    if len(attempts) < least:
        raise MachineTrouble(f"{record}: {len(attempts)} of {least} attempts have begun")
    last = attempts[-1]
    if last.death not in DEATHS:
        raise MachineTrouble(f"attempt {last.number} failed: {last.said or 'ended from outside'}")
    detail = f"attempt {last.number} of {len(attempts)}, {_where(last)}: {DEATHS[last.death]}"
    # MPI's launcher now and then says nothing of what it said the times before.
    alike = [each.said for each in attempts if each.death == last.death and each.said]
    said = last.said or (f"attempt before: {alike[-1]}" if alike else "")
    return attempts, Outcome(last.death, f"{detail}; {said}" if said else detail)


def _where(attempt: Attempt) -> str:
    return f"job {attempt.job} on {attempt.host}" if attempt.job else attempt.host


def _told_by_scheduler(attempts: list[Attempt]) -> list[Attempt]:
    """Return the attempts, the last one with what the batch system knows of its end.

    That goes before what its log said: a job that met its time limit says that a signal came.
    """
    if not attempts:
        return []
    last = attempts[-1]
    death = STATES.get(state_of(last.job)) or last.death or KILLED
    return [*attempts[:-1], replace(last, death=death)]


def read_attempts(record: Path) -> list[Attempt]:
    """Return the attempts that are written down; none where there is no record.

    Raises:
        BadArchive: it is not what `begin` writes.
    """
    try:
        return [Attempt(**each) for each in json.loads(record.read_text())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError) as error:
        raise BadArchive(f"{record}: not a record of attempts: {error}") from None


def _write(record: Path, attempts: Sequence[Attempt]) -> None:
    with whole_file(record) as part:
        part.write_text(json.dumps([asdict(attempt) for attempt in attempts], indent=1) + "\n")


def _unknown_cost(attempts: Sequence[Attempt]) -> dict[str, object]:
    """Return the cost of attempts that nobody measured: only their time, waiting included."""
    taken = datetime.now(UTC) - datetime.fromisoformat(attempts[0].began)
    return {
        "seconds": taken.total_seconds(),
        "memory": 0,
        "attempts": json.dumps([asdict(attempt) for attempt in attempts]),
    }
