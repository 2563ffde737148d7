"""Arrays that are put away with an unfinished beat, and taken up again."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


def copy_into(kept: Arrays, arrays: Arrays) -> None:
    """Overwrite a recorder's arrays by those of a checkpoint.

    Raises:
        ValueError: an array is missing, or has another shape.
    """
    for name, array in kept.items():
        if name not in arrays or arrays[name].shape != array.shape:
            found = arrays[name].shape if name in arrays else "none"
            raise ValueError(f"recorded {name}: found {found}, expected {array.shape}")
        np.copyto(array, arrays[name])
