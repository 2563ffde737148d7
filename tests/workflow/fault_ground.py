"""What faults are tried on, and what must hold after each.

A study of three small hearts is computed once, undisturbed.  Every trial takes a copy, does it
harm, runs Snakemake once more as the README says, and is judged: by the seals, by `polycardia
verify` and by `polycardia diff` against the undisturbed study.
"""

import hashlib
import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tiny_cohort import Jobs, Ran, Study, new_study, synthetic_rows

from polycardia.errors import PolycardiaError
from polycardia.io.seal_verification import file_faults, seal_faults
from polycardia.study.archive import verify
from polycardia.study.diff import diff, sentences

HEARTS = 3
# What takes long to make, and must never be made again without need.
DEAR = ("work/*/prepared.h5", "hearts/*.vtkhdf", "models/*.json")

Run = Callable[[Study], Ran]


def computed(folder: Path) -> Study:
    """Compute the undisturbed study: a short beat, whose voltage over time is kept as well."""
    study = new_study(folder / "undisturbed", synthetic_rows(folder / "cohort")[:HEARTS])
    fast = {"fibre": 8.0, "cross": 4.0}
    study.configure(lambda to: to["tissue"].update(intracellular=fast, extracellular=fast))
    study.configure(lambda to: to["numerics"].update(duration=160.0))
    study.configure(lambda to: to.update(outputs={"voltage": {"interval": 10.0}}))
    study.configure(lambda to: to["report"].update(pictures=0))
    ran = study.run()
    if ran.status != 0:
        raise RuntimeError(ran.output[-4000:])
    return study


@dataclass
class Verdict:
    """What became of a trial, in sentences; a fault that is survived leaves none.

    Attributes:
        kind: of its faults.
        injected: what was done, a sentence each.
        lost: what was finished before, was not harmed, and was made again or is gone.
        taken_for_whole: what has a finished file's name and is not one.
        differing: what differs from the undisturbed study.
        not_completed: what one plain run did not bring to its end.
        repeated: jobs that had written their file, but whose end Snakemake did not learn of.
        seconds: by the clock.
        output: of the run that harm should have come to.
    """

    kind: str
    injected: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    taken_for_whole: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    not_completed: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    seconds: float = 0.0
    output: str = ""

    @property
    def survived(self) -> bool:
        """Whether all that must hold does."""
        return not (self.lost or self.taken_for_whole or self.differing or self.not_completed)


class Trial:
    """A copy of the undisturbed study that harm comes to.

    Args:
        undisturbed: is only read.
        folder: of the copy.
        kind: of the faults.
        run: how Snakemake is started in a study.
    """

    def __init__(self, undisturbed: Study, folder: Path, kind: str, run: Run = Study.run) -> None:
        self.study = undisturbed.copy(folder)
        self.verdict = Verdict(kind)
        self._undisturbed, self._run = undisturbed, run
        self._began = time.monotonic()

    def without(self, *places: str) -> int:
        """Delete results, as if they were not made yet, and return how many bytes they had."""
        paths = {path for place in places for path in self.study.results.glob(place)}
        size = sum(path.stat().st_size for path in paths)
        for path in paths:
            path.unlink()
        return size

    def injected(self, what: str) -> None:
        self.verdict.injected.append(what)

    def told(self, output: str) -> None:
        """Keep what a run that harm should have come to has printed."""
        self.verdict.output += output

    def finished(self, harmed: Sequence[Path] = ()) -> dict[Path, str]:
        """Return digests of what is finished and dear, and was not harmed.

        What Snakemake's records say is still being made does not count, whole or not; such files
        are kept for `Verdict.repeated`.
        """
        excused = {*harmed, *map(_heart, harmed), *map(_voltage, harmed)}
        unfinished = _being_made(self.study)
        found = {}
        for place in DEAR:
            for path in self.study.results.glob(place):
                if path in excused or not _heart(path).exists():
                    continue
                if any(file_faults(path)):
                    self.verdict.taken_for_whole.append(f"{path}: left with a finished file's name")
                elif path in unfinished:
                    self.verdict.repeated.append(str(path))
                else:
                    found[path] = _digest(path)
        return found

    def judge(self, finished: Mapping[Path, str]) -> Verdict:
        """Run Snakemake once, and hold the result against all that must hold.

        Args:
            finished: as of `finished`, after the harm.
        """
        verdict, study = self.verdict, self.study
        ran = self._run(study)
        if ran.status != 0:
            verdict.not_completed.append(ran.output[-3000:])
        for path, digest in finished.items():
            if not path.exists() or _digest(path) != digest:
                verdict.lost.append(f"{path} was finished, and was made again or is gone")
        verdict.taken_for_whole += seal_faults(study.results)
        verdict.differing += self._differences()
        if study.plan() != Jobs():
            verdict.not_completed.append(f"left to do: {study.plan()}")
        verdict.seconds = time.monotonic() - self._began
        return verdict

    def _differences(self) -> list[str]:
        try:
            verify(self.study.results)
            archives = (study.results / "cohort.h5" for study in (self.study, self._undisturbed))
            found = diff(*archives)
        except PolycardiaError as fault:
            return [str(fault)]
        return [] if found.equal else list(sentences(found))


def _voltage(heart: Path) -> Path:
    """Return the file of a heart's voltage, which is made with the heart."""
    return heart.with_name(f"{heart.stem.removesuffix('.voltage')}.voltage.vtkhdf")


def _heart(path: Path) -> Path:
    """Return the heart that a voltage belongs to, without which it is not finished; else itself."""
    return path.with_name(path.name.replace(".voltage", ""))


def _being_made(study: Study) -> set[Path]:
    """Return what Snakemake has begun and not ended, by its own records."""
    folder = study.folder / ".snakemake" / "incomplete"
    names = ("".join(part.lstrip("@") for part in path.relative_to(folder).parts)
             for path in folder.rglob("*") if path.is_file())  # fmt: skip
    made = {study.folder / urlsafe_b64decode(name).decode() for name in names}
    return made | {_voltage(path) for path in made if path.suffix == ".vtkhdf"}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def figures(verdicts: Sequence[Verdict], seed: int) -> str:
    """Return the campaign as JSON: counts, all of them and by kind, and what went wrong."""
    counted = ("injected", "lost", "taken_for_whole", "differing", "not_completed", "repeated")

    def counts(some: Sequence[Verdict]) -> dict[str, int]:
        numbers = {name: sum(len(getattr(one, name)) for one in some) for name in counted}
        return numbers | {"seconds": round(sum(one.seconds for one in some))}

    kinds = dict.fromkeys(verdict.kind for verdict in verdicts)
    of_kind = {kind: counts([one for one in verdicts if one.kind == kind]) for kind in kinds}
    wrong = [vars(verdict) | {"output": ""} for verdict in verdicts if not verdict.survived]
    missed = sum(not verdict.injected for verdict in verdicts)
    told = {"seed": seed, "trials": len(verdicts), "trials_without_a_fault": missed}
    return json.dumps({**counts(verdicts), **told, "kinds": of_kind, "wrong": wrong}, indent=1)
