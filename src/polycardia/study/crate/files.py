"""The files of a crate: put into its folder, or named by their digests."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from polycardia.config import Study
from polycardia.errors import BadStudy
from polycardia.io.private_folder import below, new_text
from polycardia.io.seal import require_whole
from polycardia.io.second_name import copied, named_again
from polycardia.ionic.models import model_files
from polycardia.provenance import digest_of_files
from polycardia.study.crate.content import Item
from polycardia.study.crate.hearts import HeartRun, write_runs
from polycardia.study.damage import VOLTAGE

WORKFLOW = {
    "Snakefile": "The workflow.",
    "rules/*.smk": "Rules of the workflow.",
    "envs/conda.yaml": "What the workflow needs, for conda.",
    "envs/requirements.txt": "Python packages that the workflow needs, with digests.",
}
PAGES = {
    "report/index.html": "The cohort for people.",
    "report/run.html": "What the run cost, for people.",
}
SETTINGS = "# Every setting of the study, those by default included.  The paths are the crate's.\n"
README = """# {title}

Activation maps and 12-lead ECGs of {count} simulated hearts, as a Workflow Run RO-Crate:
`ro-crate-metadata.json` says the same, and more, to programs.

| | |
| --- | --- |
| `hearts.csv` | a row a heart: what made it; `hearts.json` says what the columns are |
| `config.yaml` | every setting of the study |
| `workflow/` | the workflow that was run |
{rows}
From a number to what made it: the archive (`cohort.h5`) has the digest of each heart's file in its
column `heart_sha256`. The row of `hearts.csv` with this digest has the digests of the mesh and of
the compiled cell models, the versions, host, job, ranks and times.
"""
INSIDE = """| `cohort.h5`, `hearts/` | the archive and its hearts |
| `report/` | pages for people |
| `cohort.tsv` | the table of the cohort |
"""
OUTSIDE = """
The archive, its hearts, the pages and the table of the cohort are not in this folder: they name
patients and say something of them. Whoever is given them can tell that they are the ones by their
SHA-256, which is in `ro-crate-metadata.json` and `hearts.csv`.
"""


@dataclass(frozen=True)
class CrateFolder:
    """A folder that is being filled; what it yields and returns stands in the crate's metadata.

    Attributes:
        path: of the folder.
        patients: whether files that name patients, or say something of them, are put into it.
    """

    path: Path
    patients: bool

    def workflow(self, source: Path) -> Iterator[Item]:
        """Copy the workflow and yield its files, the Snakefile first."""
        for pattern, what in WORKFLOW.items():
            for path in sorted(source.glob(pattern)):
                yield self._copy(path, f"workflow/{path.relative_to(source).as_posix()}", what)

    def settings(self, study: Study) -> Iterator[Item]:
        """Write all settings, copy the cell models of the study's own, and yield them.

        Raises:
            BadStudy: a cell model is missing.
        """
        kept = study.model_dump(mode="json") | {"cohort": "cohort.tsv", "results": "."}
        if not self.patients:
            kept["report"]["patients"] = []
        with new_text(self.path / "config.yaml") as file:
            file.write(SETTINGS)
            yaml.safe_dump(kept, file, sort_keys=False, allow_unicode=True)
        yield self._made("config.yaml", "Every setting of the study.")
        cells = study.cells.by_layer().values()
        for path in sorted({path for cell in cells for path in model_files(cell.name)}):
            if not path.is_file():
                raise BadStudy(f"{path}: missing, expected the cell model that the study names")
            item = self._copy(path, f"cells/{path.name}", "A cell model of the study's own.")
            yield replace(item, called=str(path))

    def cohort(self, table: Path) -> Item:
        """Return the table, whose digest is of what it is now."""
        what = "The table of the cohort."
        if self.patients:
            return self._copy(table, "cohort.tsv", what)
        size = table.stat().st_size
        return Item("cohort.tsv", what, digest_of_files([table]), size, inside=False)

    def result(self, path: Path, place: str, what: str, sha256: str) -> Item:
        """Return a result's file, with patients in it."""
        if self.patients:
            named_again(path, self._below(place))
        return Item(place, what, sha256, path.stat().st_size, inside=self.patients)

    def pages(self, results: Path, made: int) -> Iterator[Item]:
        """Yield the pages that are not older than the archive; others show another.

        Args:
            results: folder.
            made: when the archive was [ns since 1970].

        Raises:
            BadArchive: a page is damaged.
        """
        for place, what in PAGES.items():
            page = results / place
            if page.is_file() and page.stat().st_mtime_ns >= made:
                yield self.result(page, place, what, require_whole(page))

    def hearts(self, runs: Sequence[HeartRun]) -> Iterator[Item]:
        """Yield the hearts' files, and those beside them with their voltage over time.

        Raises:
            BadArchive: a file beside a heart is damaged.
        """
        for run in runs if self.patients else ():
            what = f"Heart of patient {run.patient}."
            yield self.result(run.path, f"hearts/{run.path.name}", what, run.sha256)
            voltage = run.path.with_name(run.patient + VOLTAGE)
            if voltage.is_file():
                what = f"Voltage over time in the heart of patient {run.patient}."
                yield self.result(voltage, f"hearts/{voltage.name}", what, require_whole(voltage))

    def runs(self, runs: Sequence[HeartRun]) -> list[Item]:
        """Write what made each heart, and return the table and what its columns are."""
        write_runs(self.path / "hearts.csv", runs, patients=self.patients)
        return [
            self._made("hearts.csv", "What each heart was made by."),
            self._made("hearts.json", "What the columns of hearts.csv are."),
        ]

    def readme(self, title: str, count: int) -> Item:
        """Write what a person reads first, and return it."""
        rows = INSIDE if self.patients else OUTSIDE
        with new_text(self.path / "README.md") as file:
            file.write(README.format(title=title, count=count, rows=rows))
        return self._made("README.md", "What is in this folder.")

    def _copy(self, path: Path, place: str, what: str) -> Item:
        copied(path, self._below(place))
        return self._made(place, what)

    def _below(self, place: str) -> Path:
        *above, name = place.split("/")
        return below(self.path, *above) / name

    def _made(self, place: str, what: str) -> Item:
        path = self.path / place
        return Item(place, what, digest_of_files([path]), path.stat().st_size)
