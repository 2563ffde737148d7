"""The run of a study as a whole, put together from what each heart says."""

import math
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from polycardia.study.crate.content import Run
from polycardia.study.crate.hearts import HeartRun

HOUR = 3600.0  # [s]
TIMED = {"prepare_seconds", "ranks", "seconds"}


def whole_run(hearts: Sequence[HeartRun], sha256: str, made: int) -> Run:
    """Return what is known of the run.

    Args:
        hearts: one at least.
        sha256: of the archive, which stands for the run: another run makes another.
        made: when the archive was [ns since 1970].
    """
    return Run(
        identifier=str(uuid.uuid5(uuid.NAMESPACE_OID, sha256)),
        began=min(filter(None, map(_began, hearts)), default=None),
        ended=datetime.fromtimestamp(made / 1e9, UTC),
        outcomes=Counter(str(heart.figures["status"]) for heart in hearts),
        software=sorted({pair for heart in hearts for pair in heart.libraries.items()}),
        releases=sorted({_release(heart) for heart in hearts}),
        usage=_usage(hearts),
        hearts_size=sum(heart.size for heart in hearts),
    )


def _began(heart: HeartRun) -> datetime | None:
    """Return when a heart's preparation began, if its simulation followed at once."""
    if "began" not in heart.figures:
        return None
    took = heart.number("prepare_seconds")
    began = datetime.fromisoformat(str(heart.figures["began"]))
    return began if math.isnan(took) else began - timedelta(seconds=took)


def _release(heart: HeartRun) -> str:
    """Return, as of PEP 440, the release, the commit, and whether its files were changed since."""
    version, commit = (str(heart.figures.get(name, "")) for name in ("version", "git_revision"))
    changed = ".changed" if commit.endswith("+") else ""
    return f"{version}+{commit.rstrip('+')}{changed}" if commit else version


def _usage(hearts: Sequence[HeartRun]) -> Mapping[str, tuple[float | str, str]]:
    """Return what the hearts took together, value and unit by name, as far as it is known."""
    core_seconds = sum(
        heart.number("prepare_seconds") + heart.number("ranks") * heart.number("seconds")
        for heart in hearts
        if heart.figures.keys() >= TIMED
    )
    energies = [heart.number("energy") for heart in hearts if "energy" in heart.figures]
    memories = [heart.number("memory") for heart in hearts if "memory" in heart.figures]
    ranks = [int(r) for heart in hearts if (r := heart.figures.get("ranks"))]  # some had no beat
    hosts = sorted({str(heart.figures.get("host", "")) for heart in hearts} - {""})
    usage: dict[str, tuple[float | str, str]] = {
        "core hours": (round(core_seconds / HOUR, 6), "h"),
        "hosts": (", ".join(hosts), ""),
    }
    if ranks:
        usage["fewest ranks of a heart"] = (min(ranks), "1")
        usage["most ranks of a heart"] = (max(ranks), "1")
    if memories:
        usage["most memory of a heart"] = (max(memories), "bytes")
    if energies:
        usage["energy"] = (sum(energies), "J")
        usage["hearts whose energy is known"] = (len(energies), "1")
    return usage
