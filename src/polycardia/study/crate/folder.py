"""From an archive and its study to the folder that is its crate."""

import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import polycardia
from polycardia.config import read_study
from polycardia.errors import BadArchive, BadStudy
from polycardia.io.archive_reader import open_archive
from polycardia.io.private_folder import whole_folder, write_json
from polycardia.io.reading import require_ordinary
from polycardia.io.seal import require_whole, sealed_at
from polycardia.study.crate.content import Crate
from polycardia.study.crate.files import CrateFolder
from polycardia.study.crate.hearts import heart_runs
from polycardia.study.crate.metadata import metadata
from polycardia.study.crate.origin import require_the_same
from polycardia.study.crate.run import whole_run

METADATA = "ro-crate-metadata.json"
LICENCES = "https://spdx.org/licenses/"
LICENCE = re.compile(r"https?://\S+|[A-Za-z0-9][A-Za-z0-9.+-]*")
PACKED = b"polycardia packed archive"


def crate(
    archive: Path,
    config: Path,
    output: Path,
    *,
    workflow: Path | None = None,
    licence: str = "",
    author: str = "",
    patients: bool = False,
) -> str:
    """Write a study's crate, and return a line about what is in it.

    Args:
        archive: ``cohort.h5``, with its hearts and pages beside it.
        config: the study's; its settings and its table have to be the archive's.
        output: folder, which must be new or empty; it holds the whole crate or does not exist.
        workflow: folder of the Snakefile; that of this program by default.
        licence: of the data: an SPDX identifier or a URL.
        author: who ran the study.
        patients: whether files that name patients, or say something of them, are in it.

    Raises:
        BadStudy: the folder is taken, there is no workflow, or the settings or the table are not
            what the archive was made from.
        BadArchive: the archive or a heart cannot be read, is damaged or is another.
        MachineTrouble: writing failed.
    """
    study = read_study(config)
    source = workflow or Path(polycardia.__file__).resolve().parents[2]
    if not (source / "Snakefile").is_file():
        raise BadStudy(f"{source}: found no Snakefile, expected the workflow's folder")
    url = _url_of(licence)
    sha256, made = _whole_archive(archive)
    with open_archive(archive) as cohort, whole_folder(output) as path:
        hearts = heart_runs(cohort, made)
        require_the_same(config, study, cohort, (heart.settings for heart in hearts))
        folder = CrateFolder(path, patients)
        content = Crate(
            title=study.report.title,
            published=datetime.now(UTC),
            licence=url,
            author=author,
            readme=folder.readme(study.report.title, len(hearts)),
            workflow=list(folder.workflow(source)),
            settings=list(folder.settings(study)),
            cohort=folder.cohort(Path(study.cohort)),
            archive=folder.result(archive, "cohort.h5", "The archive.", sha256),
            pages=list(folder.pages(archive.parent, made)),
            runs=folder.runs(hearts),
            hearts=list(folder.hearts(hearts)),
            run=whole_run(hearts, sha256, made),
        )
        write_json(path / METADATA, metadata(content))
    where = "in it" if patients else "named by their digests"
    return f"{output}: {len(hearts)} hearts and their archive, {where}"


def _url_of(licence: str) -> str:
    if licence and not LICENCE.fullmatch(licence):
        raise BadStudy(f"found the licence {licence!r}, expected an SPDX identifier or a URL")
    return licence if not licence or "://" in licence else LICENCES + licence


def _whole_archive(archive: Path) -> tuple[str, int]:
    """Return the SHA-256 of an archive that its seal tells to be whole, and when it was made."""
    require_ordinary(archive, BadArchive)
    with suppress(OSError), archive.open("rb") as file:
        if file.read(len(PACKED)) == PACKED:
            raise BadStudy(f"{archive}: is packed, expected the cohort.h5 that it was made from")
    return require_whole(archive), sealed_at(archive)
