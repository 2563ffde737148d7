"""Mitchell & Schaeffer, Bull Math Biol 65:767, 2003.

With 100 mV from rest at -80 mV to peak.
"""

from papers.functions import Functions

STATES = ("gate.h",)
CELLS = {"mitchell_schaeffer": None}


def rhs(V, y, cell: None, m: Functions):
    """Return d/dt of V and of ``STATES``, without a stimulus."""
    (h,) = y
    v = (V + 80.0) / 100.0
    J_in = h * v**2 * (1.0 - v) / 0.3
    J_out = -v / 6.0
    return 100.0 * (J_in + J_out), m.where(v < 0.13, (1.0 - h) / 120.0, -h / 150.0)
