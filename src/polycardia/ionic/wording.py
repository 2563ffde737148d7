"""What a library says of a text, as one sentence that fits into ours."""

import re

LONGEST = 300
"""Characters; a text can hold names of any length, and libraries repeat them."""


def sentence(error: object) -> str:
    """Return an error's or a warning's message on one line, cut where it does not end."""
    said = re.sub(r" ~{2,}", "", " ".join(str(error).split()))  # what Myokit underlines with
    return said if len(said) <= LONGEST else f"{said[:LONGEST]} ..."
