"""The whole of ``config.yaml`` as frozen types: what is not here is a typo.

Units stand in brackets and the source behind them; ``docs/defaults.yaml`` is written
from these fields.  Where jobs go and how large they are is the profile's business.
"""

from polycardia.config.beat import ActivationSite, Numerics, Protocol, Stimulus
from polycardia.config.cells import PACING_DT, CellModel, Cells, Pacing
from polycardia.config.fields import whole_steps
from polycardia.config.outputs import Archive, Electrocardiogram, Outputs, Report
from polycardia.config.reading import read_study, study_from
from polycardia.config.study import Preparation, Simulation, Study
from polycardia.config.tissue import (
    Anatomy,
    Conductivity,
    Extracellular,
    Fibres,
    Intracellular,
    Tissue,
)

__all__ = [
    "PACING_DT",
    "ActivationSite",
    "Anatomy",
    "Archive",
    "CellModel",
    "Cells",
    "Conductivity",
    "Electrocardiogram",
    "Extracellular",
    "Fibres",
    "Intracellular",
    "Numerics",
    "Outputs",
    "Pacing",
    "Preparation",
    "Protocol",
    "Report",
    "Simulation",
    "Stimulus",
    "Study",
    "Tissue",
    "read_study",
    "study_from",
    "whole_steps",
]
