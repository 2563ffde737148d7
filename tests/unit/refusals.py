"""What a cell model's file is refused with."""

from pathlib import Path

import pytest

from polycardia.errors import BadModel
from polycardia.ionic.model import load_model


def refused_with(path: Path) -> str:
    """Return the sentence, which is one line and names the file."""
    with pytest.raises(BadModel) as caught:
        load_model(path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert path.name in sentence
    return sentence
