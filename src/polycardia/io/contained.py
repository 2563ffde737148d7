"""Reading files that may be damaged, or made to be, within limits and in a process of its own.

HDF5's library ends the process on some files that are damaged: two in six hundred that had a few
bytes changed at random.  Others name one long text a million times.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from polycardia.errors import MachineTrouble

LEAST_MEMORY = 8 << 30  # [bytes] that every reader may have
TIME_LIMIT = 900  # [s], and
BYTES_IN_A_SECOND = 1 << 20  # that the slowest file system reads


def contained(module: str, function: str, path: Path) -> Iterator[str]:
    """Yield the sentences that a function has for a path, and one more if it ends its process.

    Args:
        module: by its whole name.
        function: of the module; takes a path and yields sentences.
        path: that it reads.
    """
    code = f"from {__name__} import tell; tell()"
    limit = TIME_LIMIT + _size(path) // BYTES_IN_A_SECOND
    try:
        done = subprocess.run(
            [sys.executable, "-c", code, module, function, str(path)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        yield f"what it holds cannot be read within {limit} s"
        return
    yield from (json.loads(line) for line in done.stdout.splitlines())
    if done.returncode:
        reason = f"signal {-done.returncode}" if done.returncode < 0 else "an error"
        yield f"what it holds cannot be read: the reading process ended with {reason}"


def tell() -> None:
    """Print a JSON text for each sentence of what the command line names."""
    module, function, path = sys.argv[1:]
    try:
        with bounded():
            for sentence in getattr(import_module(module), function)(Path(path)):
                print(json.dumps(sentence), flush=True)
    except MachineTrouble as trouble:
        print(json.dumps(str(trouble)))


@contextmanager
def bounded() -> Iterator[None]:
    """Give this process no more than half of the machine's memory for as long as the block runs.

    Raises:
        MachineTrouble: the block wants more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    memory = max(LEAST_MEMORY, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
    allowed = [limit for limit in (soft, hard, memory) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(allowed), hard))
    try:
        yield
    except MemoryError:
        raise MachineTrouble(
            f"more than {min(allowed):.3g} bytes of memory are wanted: a file is damaged, or there "
            "is more of it than this machine can hold"
        ) from None
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _size(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())
