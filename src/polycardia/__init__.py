"""Cohorts of heart meshes in, one archive of activation maps and 12-lead ECGs out."""

__version__ = "0.1.0"
