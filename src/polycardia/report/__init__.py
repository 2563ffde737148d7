"""The cohort's report: one self-contained HTML page."""
