"""The ways to fail on purpose: the study is wrong, or one patient cannot be solved.

Anything else that is raised is a bug or a broken machine, and ends the job with a
non-zero status so that the workflow retries it.
"""

from typing import ClassVar


class PolycardiaError(Exception):
    """Base of everything that is raised deliberately."""


class BadStudy(PolycardiaError):
    """Settings, cohort table or command line are unusable: stop before any job starts."""


class BadModel(BadStudy):
    """A cell model's text cannot be turned into a kernel."""


class MachineTrouble(PolycardiaError):
    """The machine or its software is at fault, not the patient: another try may succeed."""


class CompilerFailed(MachineTrouble):
    """The C compiler is missing or refused a kernel."""


class BadArchive(PolycardiaError):
    """A result file does not keep the promises of ``docs/archive-format.md``."""


class PatientFailure(PolycardiaError):
    """This patient has no answer.  Recorded in the archive, never retried.

    Raised on all ranks together (see ``solver.agreement``).
    """

    outcome: ClassVar[str]


class BadMesh(PatientFailure):
    """Geometry, labels or fibres cannot be simulated."""

    outcome = "bad_mesh"


class SolveFailed(PatientFailure):
    """The numerics broke down: the voltage is not finite."""

    outcome = "diverged"


class NoCapture(PatientFailure):
    """Part of the tissue never activated."""

    outcome = "not_activated"
