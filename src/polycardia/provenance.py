"""Who computed this, from what, with which versions."""

import hashlib
import platform
import resource
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

import polycardia
from polycardia.scheduler import job_id, job_nodes

LIBRARIES = ("numpy", "scipy", "h5py", "meshio", "vtk", "myokit", "snakemake")
READ_AT_ONCE = 1 << 20  # [bytes]


def origin(settings: str) -> dict[str, str]:
    """Return what can be said before anything is computed.

    Args:
        settings: JSON of the settings that decide the numbers.
    """
    return {
        "settings": settings,
        "version": polycardia.__version__,
        "git_revision": git_revision(),
        "host": platform.node(),
        "scheduler_id": job_id(),
        "scheduler_nodes": job_nodes(),
        "python_version": platform.python_version(),
        **{f"{name}_version": _version(name) for name in LIBRARIES},
    }


def digest_of_files(paths: Iterable[Path]) -> str:
    """Return one SHA-256 over the contents of files, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            while part := stream.read(READ_AT_ONCE):
                digest.update(part)
    return digest.hexdigest()


def peak_memory() -> int:
    """Return the most memory that this process has held [bytes]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@cache
def git_revision() -> str:
    """Return the commit of the source tree, with ``+`` where it was changed since; or ''."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--abbrev=40"]
    try:
        done = subprocess.run(
            [*command, "--dirty=+", "--match="], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return ""
