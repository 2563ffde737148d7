"""Files that are put where they are wanted, without their bytes where that can be had."""

import errno
import os
import shutil
from pathlib import Path

from polycardia.io.atomic import FILE_MODE

# What systems say where a file cannot have another name there: elsewhere, not allowed, unknown
# to the file system, or too many already.
NO_LINKS = {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}


def named_again(path: Path, name: Path) -> None:
    """Give a file that nobody edits another name, or make a copy with its time where none can be.

    Args:
        path: of the file; where it is a link, the file that it leads to is meant.
        name: new, in a folder that exists.
    """
    try:
        os.link(path.resolve(), name)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        shutil.copy2(path, name)


def copied(path: Path, name: Path) -> None:
    """Copy a file that people edit; the copy is private, whatever the file is."""
    shutil.copyfile(path, name)
    name.chmod(FILE_MODE)
