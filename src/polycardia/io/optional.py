"""Packages that polycardia does without where nobody asks for what they do."""

from importlib import import_module
from typing import Any

from polycardia.errors import BadStudy


def needed(module: str, purpose: str) -> Any:
    """Return a module that polycardia does without, where it is installed.

    Raises:
        BadStudy: it is not, or does not go with what else is.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError:
        raise BadStudy(
            f"{purpose} need {module}, which is not installed: pip install {module}"
        ) from None
    except ImportError as error:
        raise BadStudy(f"{purpose} need {module}, which cannot be loaded: {error}") from None
