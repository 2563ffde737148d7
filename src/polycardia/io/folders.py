"""Where this user's files lie that belong to no study."""

import os
from pathlib import Path


def kernel_folder() -> Path:
    """Return the folder of compiled kernels for commands that have no results folder."""
    return _cache() / "kernels"


def rest_folder() -> Path:
    """Return the folder of cells' rest states, which all studies share; it may be deleted."""
    return _cache() / "rest"


def wave_folder() -> Path:
    """Return the folder of measured waves, which all studies share; it may be deleted."""
    return _cache() / "waves"


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "polycardia"
