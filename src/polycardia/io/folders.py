"""Where this user's files lie that belong to no study."""

import os
from pathlib import Path


def kernel_folder() -> Path:
    """Return the folder of compiled kernels for commands that have no results folder."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "polycardia" / "kernels"
