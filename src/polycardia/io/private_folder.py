"""Folders of exported files that are either whole or not there."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from polycardia.errors import BadStudy, MachineTrouble
from polycardia.io.atomic import FILE_MODE, FOLDER_MODE


@contextmanager
def whole_folder(output: Path) -> Iterator[Path]:
    """Yield a folder beside ``output`` to write to; it takes its place when the block succeeds.

    Raises:
        BadStudy: there is something in ``output``, or it cannot be made.
        MachineTrouble: writing failed, as on a disk that is full.
    """
    try:
        if output.is_symlink() or (output.exists() and not _is_empty(output)):
            raise BadStudy(f"{output}: something is there, expected a new folder or an empty one")
        part = output.absolute().with_name(f".{output.absolute().name}.{os.getpid()}.part")
        part.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER_MODE)
        part.mkdir(mode=FOLDER_MODE)
    except OSError as error:
        raise BadStudy(f"{output} cannot be made: {error.strerror}") from None
    try:
        yield part
        os.replace(part, output)
    except OSError as error:
        raise MachineTrouble(f"{output} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def below(folder: Path, *names: str) -> Path:
    """Make folders one in another, private each, and return the innermost."""
    for name in names:
        folder = folder / name
        folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    return folder


def new_text(path: Path) -> IO[str]:
    """Open a new text file that the user and the group may read; what is there is an error."""

    def private(name: str, flags: int) -> int:
        return os.open(name, flags, FILE_MODE)

    return open(path, "x", encoding="utf-8", newline="", opener=private)


def write_json(path: Path, content: Any) -> None:
    with new_text(path) as file:
        json.dump(content, file, indent=2, ensure_ascii=False)
        file.write("\n")
