"""Reading a file that may hold a cell model: no pipe that never ends, and nothing too large."""

from pathlib import Path
from stat import S_ISDIR, S_ISREG

from polycardia.errors import BadModel

MAX_BYTES = 1_000_000
"""A model's text is some 10 kB; anything beyond this is not one."""


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        BadModel: it cannot be read, or is not the text of a cell model.
    """
    try:
        found = path.stat()
        if not (S_ISREG(found.st_mode) or S_ISDIR(found.st_mode)):  # reading it may never end
            raise BadModel(f"{path}: found a pipe, a socket or a device, expected an ordinary file")
        if found.st_size > MAX_BYTES:
            raise BadModel(f"{path}: over {MAX_BYTES} bytes, so not the text of a cell model")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadModel(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadModel(f"{path}: not a text file") from None
