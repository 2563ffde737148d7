"""What others cite is this version."""

from pathlib import Path

import yaml

import polycardia

ROOT = Path(__file__).parents[2]


def test_the_citation_is_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["version"] == polycardia.__version__
    assert cited["title"].startswith("polycardia: ")
    assert {"cff-version", "message", "authors", "license"} <= set(cited)
