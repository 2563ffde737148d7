"""The whole of ``config.yaml`` as frozen types: what is not here is a typo.

Units stand in brackets and the source behind them; ``docs/defaults.yaml`` is written
from these fields.  Where jobs go and how large they are is the profile's business.
"""

from polycardia.config.beat import LONGEST_DT, SHORTEST_DT, Numerics
from polycardia.config.cells import PACING_DT, CellModel, Cells, Pacing, Settling, Waves
from polycardia.config.fields import whole_steps
from polycardia.config.outputs import Archive, Electrocardiogram, Outputs, Probe, Report, Snapshots
from polycardia.config.places import DEFAULT_SITES, Place
from polycardia.config.protocol import (
    BEAT,
    CAPTURE_WINDOW,
    Protocol,
    Pulse,
    Stimulation,
    Stimulus,
)
from polycardia.config.reading import checked, read_study, study_from
from polycardia.config.study import FEWEST_SAMPLES, Preparation, Simulation, Study
from polycardia.config.tissue import (
    Anatomy,
    Conductivity,
    Extracellular,
    Fibres,
    Intracellular,
    Tissue,
    Velocities,
)

__all__ = [
    "BEAT",
    "CAPTURE_WINDOW",
    "DEFAULT_SITES",
    "FEWEST_SAMPLES",
    "LONGEST_DT",
    "PACING_DT",
    "SHORTEST_DT",
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
    "Place",
    "Preparation",
    "Probe",
    "Protocol",
    "Pulse",
    "Report",
    "Settling",
    "Simulation",
    "Snapshots",
    "Stimulation",
    "Stimulus",
    "Study",
    "Tissue",
    "Velocities",
    "Waves",
    "checked",
    "read_study",
    "study_from",
    "whole_steps",
]
