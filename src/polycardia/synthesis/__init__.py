"""Biventricular hearts that nobody was scanned for: geometry, meshing and a cohort's statistics."""
