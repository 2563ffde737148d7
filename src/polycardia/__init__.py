"""Cohorts of heart meshes in, one archive of activation maps and 12-lead ECGs out."""

__version__ = "0.1.0"

# Raised on purpose when the same settings give other numbers: everything computed with another
# value is computed again.  A new release that leaves it alone recomputes nothing.
SOLVER_VERSION = 10
