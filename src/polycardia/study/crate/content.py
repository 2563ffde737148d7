"""What is in a crate: its files, and what is known of the run that made the results."""

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote


@dataclass(frozen=True)
class Item:
    """A file that the crate names.

    Attributes:
        place: relative to the crate's root, also where it would be if it were in it.
        description: a sentence.
        sha256: of its bytes.
        size: [bytes].
        inside: whether it is in the crate.
        called: what it was called when it was used, where that was otherwise.
    """

    place: str
    description: str
    sha256: str
    size: int
    inside: bool = True
    called: str = ""

    @property
    def id(self) -> str:
        if self.inside:
            return quote(self.place)
        digest = base64.urlsafe_b64encode(bytes.fromhex(self.sha256)).decode().rstrip("=")
        return f"ni:///sha-256;{digest}"  # RFC 6920


@dataclass(frozen=True)
class Run:
    """What is known of the computation as a whole.

    Attributes:
        identifier: of this run and no other.
        began: when the first heart did, None if unknown.
        ended: when the archive was written.
        outcomes: how many hearts ended in which way.
        software: each ``(name, version)`` that any heart was made with.
        releases: of polycardia, with the commit.
        usage: value and unit by name.
        hearts_size: of all of their files [bytes].
    """

    identifier: str
    began: datetime | None
    ended: datetime
    outcomes: Counter[str]
    software: Sequence[tuple[str, str]]
    releases: Sequence[str]
    usage: Mapping[str, tuple[float | str, str]]
    hearts_size: int


@dataclass(frozen=True)
class Crate:
    """All that is in a crate.

    Attributes:
        title: of the study.
        published: when the crate was made.
        licence: URL, or empty.
        author: name, or empty.
        readme: for people.
        workflow: files of it, the Snakefile first.
        settings: the study's, and cell models of its own.
        cohort: the table.
        archive: of the results.
        pages: for people.
        runs: table of what made each heart, and what its columns are.
        hearts: their files, where they are in the crate.
        run: the computation.
    """

    title: str
    published: datetime
    licence: str
    author: str
    readme: Item
    workflow: Sequence[Item]
    settings: Sequence[Item]
    cohort: Item
    archive: Item
    pages: Sequence[Item]
    runs: Sequence[Item]
    hearts: Sequence[Item]
    run: Run

    @property
    def items(self) -> list[Item]:
        """Every file but the hearts, which are parts of their folder."""
        inputs = (*self.workflow, *self.settings, self.cohort)
        return [self.readme, *inputs, self.archive, *self.pages, *self.runs]

    @property
    def hearts_id(self) -> str:
        return "hearts/" if self.hearts else "#hearts"
