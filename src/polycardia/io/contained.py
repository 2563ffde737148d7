"""Reading files that may be damaged in a process of its own.

HDF5's library ends the process on some files that are damaged: two in six hundred that had a few
bytes changed at random.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path


def contained(module: str, function: str, path: Path) -> Iterator[str]:
    """Yield the sentences that a function has for a path, and one more if it ends its process.

    Args:
        module: by its whole name.
        function: of the module; takes a path and yields sentences.
        path: that it reads.
    """
    code = f"from {__name__} import tell; tell()"
    done = subprocess.run(
        [sys.executable, "-c", code, module, function, str(path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    yield from (json.loads(line) for line in done.stdout.splitlines())
    if done.returncode:
        reason = f"signal {-done.returncode}" if done.returncode < 0 else "an error"
        yield f"what it holds cannot be read: the reading process ended with {reason}"


def tell() -> None:
    """Print a JSON text for each sentence of what the command line names."""
    module, function, path = sys.argv[1:]
    for sentence in getattr(import_module(module), function)(Path(path)):
        print(json.dumps(sentence), flush=True)
