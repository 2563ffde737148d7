"""The cell models that polycardia ships, as text files beside this module."""

import tomllib
from pathlib import Path

from polycardia.errors import BadModel
from polycardia.ionic.text import read_text

FOLDER = Path(__file__).parent

MODELS = (
    *("tp06_epi", "tp06_endo", "tp06_mid"),
    *("torord_endo", "torord_mid", "torord_epi"),
    *("minimal_epi", "minimal_endo", "minimal_mid"),
    "mitchell_schaeffer",
)


def model_files(name: str) -> list[Path]:
    """Return the files that a user's own cell model is made of; none for one of `MODELS`.

    A ``.toml`` file that cannot be read here is reported by whoever loads the model.
    """
    if name in MODELS:
        return []
    path = Path(name)
    try:
        base = tomllib.loads(read_text(path)).get("model") if path.suffix == ".toml" else None
    except (BadModel, ValueError, RecursionError):
        base = None
    return [path, path.parent / base] if isinstance(base, str) else [path]
