"""The cell models that polycardia ships, as text files beside this module."""

from pathlib import Path

FOLDER = Path(__file__).parent

MODELS = ("tp06_epi", "tp06_endo", "tp06_mid", "mitchell_schaeffer")
