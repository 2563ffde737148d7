"""Started on several ranks: writes the maps and potentials of one heart's beat, unrounded."""

import sys
from pathlib import Path

import numpy as np
from mpi4py import MPI

from polycardia.config import Simulation
