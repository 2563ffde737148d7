"""Child process in which VTK or meshio reads a file: ``python -m ... KIND FILE OUTPUT MEMORY``.

Foreign readers are given damaged files here, and then kill the interpreter, call `sys.exit`,
or print and go on with half a mesh: of seven VTK files damaged at 150 random places each,
between 0 and 5 % ended in SIGSEGV or SIGABRT.  So they run in a process of their own, and what
they read comes back as plain arrays.  `polycardia.io.foreign` starts it and reads the answer.

Only what happens while the file is read is the file's fault: libraries are loaded before, the
answer is written after.
"""

import contextlib
import errno
import json
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np

from polycardia.io import foreign_meshio, foreign_vtk
from polycardia.io.foreign_answer import Unreadable
from polycardia.io.references import reference_fault

# Exit statuses; all others are the machine's fault.
REFUSED = 3  # the file is at fault, and the sentence is on stdout, or the library's on stderr
OUT_OF_MEMORY = 4  # more than MEMORY [bytes]
BEGUN = "begun"  # the file beside OUTPUT that says: libraries are loaded, reading begins
# What a sound file can meet, too.
_MACHINE_ERRORS = {errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE,
                   errno.EACCES, errno.ESTALE, errno.ETIMEDOUT}  # fmt: skip


def _save(answer: dict[str, Any], output: Path) -> None:
    """Arrays and a table of contents into one ``.npz``."""
    stored, contents = {}, {}
    for key, value in answer.items():
        if isinstance(value, np.ndarray):
            stored[key] = value
        elif isinstance(value, dict) and all(isinstance(v, np.ndarray) for v in value.values()):
            contents[key] = list(value)
            stored.update({f"{key}/{i}": array for i, array in enumerate(value.values())})
        else:
            contents[key] = value
    np.savez(output, contents=np.array(json.dumps(contents)), **stored)


def load(kind: str, file: Path) -> None:
    """Import what reading needs, so that a broken library shows before the file can."""
    {"vtk": foreign_vtk.load, "meshio": foreign_meshio.load}[kind](file)


def read(kind: str, file: Path) -> dict[str, Any]:
    """Read a file with a library that is loaded.

    Raises:
        Unreadable: whatever the library raised of its own.
        MemoryError, ImportError, OSError: the machine's trouble.
    """
    try:
        if fault := reference_fault(file):
            raise Unreadable(fault)
        # meshio prints what it tried, and exits: the last line of stderr is its verdict.
        with contextlib.redirect_stdout(sys.stderr):
            return {"vtk": foreign_vtk.read, "meshio": foreign_meshio.read}[kind](file)
    except (Unreadable, MemoryError, ImportError):
        raise
    except SystemExit:
        raise Unreadable from None
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _MACHINE_ERRORS:
            raise
        said = " ".join(str(error).split())
        raise Unreadable(f"{kind} says: {type(error).__name__}: {said}") from error


def main(kind: str, file: Path, output: Path, memory: int) -> int:
    """Read, write the answer, and return the exit status."""
    load(kind, file)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory, limits[1]))
    output.with_name(BEGUN).touch()
    try:
        answer = read(kind, file)
    except Unreadable as refusal:
        print(*refusal.args)
        return REFUSED
    except MemoryError:
        return OUT_OF_MEMORY
    output.with_name(BEGUN).unlink()
    _save(answer, output)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])))
