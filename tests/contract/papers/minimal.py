"""Bueno-Orovio, Cherry & Fenton, J Theor Biol 253:544, 2008: equations 1 to 7 and Table 1."""

from dataclasses import dataclass

from papers.functions import Functions

STATES = ("gates.v", "gates.w", "gates.s")


@dataclass(frozen=True)
class Column:
    """A column of Table 1; a superscript minus is ``m``, a plus ``p``, infinity ``i``."""

    u_u: float
    th_vm: float
    th_o: float
    t_v1m: float
    t_v2m: float
    t_w1m: float
    t_w2m: float
    k_wm: float
    u_wm: float
    t_wp: float
    t_fi: float
    t_o1: float
    t_o2: float
    t_so1: float
    t_so2: float
    k_so: float
    u_so: float
    t_s2: float
    t_si: float
    t_wi: float
    w_i: float


# fmt: off
CELLS = {
    "minimal_epi": Column(1.55, 0.006, 0.006, 60.0, 1150.0, 60.0, 15.0, 65.0, 0.03, 200.0, 0.11,
                          400.0, 6.0, 30.0181, 0.9957, 2.0458, 0.65, 16.0, 1.8875, 0.07, 0.94),
    "minimal_endo": Column(1.56, 0.2, 0.006, 75.0, 10.0, 6.0, 140.0, 200.0, 0.016, 280.0, 0.1,
                           470.0, 6.0, 40.0, 1.2, 2.0, 0.65, 2.0, 2.9013, 0.0273, 0.78),
    "minimal_mid": Column(1.61, 0.1, 0.005, 80.0, 1.4506, 70.0, 8.0, 200.0, 0.016, 280.0, 0.078,
                          410.0, 7.0, 91.0, 0.8, 2.1, 0.6, 4.0, 3.3849, 0.01, 0.5),
}
# fmt: on


def rhs(V, y, p: Column, m: Functions):
    """Return d/dt of V = 85.7 u - 84 mV and of ``STATES``, without a stimulus."""
    v, w, s = y
    u = (V + 84.0) / 85.7

    def H(threshold):
        return m.where(u >= threshold, 1.0, 0.0)

    H_v, H_w, H_vm, H_o = H(0.3), H(0.13), H(p.th_vm), H(p.th_o)
    t_vm = (1.0 - H_vm) * p.t_v1m + H_vm * p.t_v2m
    t_wm = p.t_w1m + (p.t_w2m - p.t_w1m) * (1.0 + m.tanh(p.k_wm * (u - p.u_wm))) / 2.0
    t_so = p.t_so1 + (p.t_so2 - p.t_so1) * (1.0 + m.tanh(p.k_so * (u - p.u_so))) / 2.0
    t_s = (1.0 - H_w) * 2.7342 + H_w * p.t_s2
    t_o = (1.0 - H_o) * p.t_o1 + H_o * p.t_o2
    w_inf = (1.0 - H_o) * (1.0 - u / p.t_wi) + H_o * p.w_i
    J_fi = -v * H_v * (u - 0.3) * (p.u_u - u) / p.t_fi
    J_so = u * (1.0 - H_w) / t_o + H_w / t_so
    J_si = -H_w * w * s / p.t_si
    return (
        -85.7 * (J_fi + J_so + J_si),
        (1.0 - H_v) * ((1.0 - H_vm) - v) / t_vm - H_v * v / 1.4506,
        (1.0 - H_w) * (w_inf - w) / t_wm - H_w * w / p.t_wp,
        ((1.0 + m.tanh(2.0994 * (u - 0.9087))) / 2.0 - s) / t_s,
    )
