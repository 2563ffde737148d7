"""ten Tusscher & Panfilov, Am J Physiol Heart Circ Physiol 291:H1088, 2006.

With what it keeps of ten Tusscher et al., ibid. 286:H1573, 2004.  Volumes in nL, capacitance in nF.
"""

from dataclasses import dataclass

from papers.functions import Functions

STATES = (
    *("i_kr.xr1", "i_kr.xr2", "i_ks.xs", "i_na.m", "i_na.h", "i_na.j"),
    *("i_cal.d", "i_cal.f", "i_cal.f2", "i_cal.f_cass", "i_to.s", "i_to.r"),
    *("calcium.ca_i", "calcium.ca_sr", "calcium.ca_ss", "calcium.r_bar"),
    *("sodium.na_i", "potassium.k_i"),
)


@dataclass(frozen=True)
class Layer:
    """What differs between the three cells of the wall."""

    G_Ks: float
    G_to: float
    endo: bool = False


CELLS = {
    "tp06_epi": Layer(G_Ks=0.392, G_to=0.294),
    "tp06_endo": Layer(G_Ks=0.392, G_to=0.073, endo=True),
    "tp06_mid": Layer(G_Ks=0.098, G_to=0.294),
}


def rhs(V, y, layer: Layer, functions: Functions):
    """Return d/dt of V and of ``STATES``, without a stimulus."""
    exp, log, sqrt = functions.exp, functions.log, functions.sqrt
    where, gate = functions.where, functions.gate
    Xr1, Xr2, Xs, m, h, j, d, f, f2, fcass, s, r, Cai, CaSR, CaSS, Rbar, Nai, Ki = y
    Ko, Cao, Nao = 5.4, 2.0, 140.0
    R, F, T = 8314.472, 96485.3415, 310.0
    VF_RT = V * F / (R * T)
    RT_F = R * T / F

    E_K = RT_F * log(Ko / Ki)
    E_Na = RT_F * log(Nao / Nai)
    E_Ca = 0.5 * RT_F * log(Cao / Cai)
    E_Ks = RT_F * log((Ko + 0.03 * Nao) / (Ki + 0.03 * Nai))

    I_Na = 14.838 * m**3 * h * j * (V - E_Na)
    z = 2.0 * (V - 15.0) * F / (R * T)
    # 4 (V - 15) F^2 / (RT) / (exp(z) - 1), with expm1 for the quotient's digits
    quotient = functions.over_expm1(z)
    I_CaL = 3.980e-5 * d * f * f2 * fcass * 2.0 * F * quotient * (0.25 * CaSS * exp(z) - Cao)
    I_to = layer.G_to * r * s * (V - E_K)
    I_Kr = 0.153 * sqrt(Ko / 5.4) * Xr1 * Xr2 * (V - E_K)
    I_Ks = layer.G_Ks * Xs**2 * (V - E_Ks)
    a_K1 = 0.1 / (1.0 + exp(0.06 * (V - E_K - 200.0)))
    b_K1 = 3.0 * exp(0.0002 * (V - E_K + 100.0)) + exp(0.1 * (V - E_K - 10.0))
    b_K1 = b_K1 / (1.0 + exp(-0.5 * (V - E_K)))
    I_K1 = 5.405 * sqrt(Ko / 5.4) * a_K1 / (a_K1 + b_K1) * (V - E_K)
    I_NaCa = (
        1000.0
        * (exp(0.35 * VF_RT) * Nai**3 * Cao - exp(-0.65 * VF_RT) * Nao**3 * Cai * 2.5)
        / ((87.5**3 + Nao**3) * (1.38 + Cao) * (1.0 + 0.1 * exp(-0.65 * VF_RT)))
    )
    I_NaK = 2.724 * Ko * Nai / ((Ko + 1.0) * (Nai + 40.0))
    I_NaK = I_NaK / (1.0 + 0.1245 * exp(-0.1 * VF_RT) + 0.0353 * exp(-VF_RT))
    I_pCa = 0.1238 * Cai / (0.0005 + Cai)
    I_pK = 0.0146 * (V - E_K) / (1.0 + exp((25.0 - V) / 5.98))
    I_bNa = 0.000290 * (V - E_Na)
    I_bCa = 0.000592 * (V - E_Ca)

    kcasr = 2.5 - 1.5 / (1.0 + (1.5 / CaSR) ** 2)
    k1, k2 = 0.15 / kcasr, 0.045 * kcasr
    O = k1 * CaSS**2 * Rbar / (0.060 + k1 * CaSS**2)  # noqa: E741
    I_rel = 0.102 * O * (CaSR - CaSS)
    I_up = 0.006375 / (1.0 + 0.00025**2 / Cai**2)
    I_leak = 0.00036 * (CaSR - Cai)
    I_xfer = 0.0038 * (CaSS - Cai)
    Vc, Vsr, Vss, Cm = 0.016404, 0.001094, 0.00005468, 0.185
    # free calcium follows from total calcium: d(free) / d(total)
    c_buf = 1.0 / (1.0 + 0.2 * 0.001 / (Cai + 0.001) ** 2)
    sr_buf = 1.0 / (1.0 + 10.0 * 0.3 / (CaSR + 0.3) ** 2)
    ss_buf = 1.0 / (1.0 + 0.4 * 0.00025 / (CaSS + 0.00025) ** 2)

    low = V < -40.0
    a_h = where(low, 0.057 * exp(-(V + 80.0) / 6.8), 0.0)
    b_h = where(
        low,
        2.7 * exp(0.079 * V) + 3.1e5 * exp(0.3485 * V),
        0.77 / (0.13 * (1.0 + exp(-(V + 10.66) / 11.1))),
    )
    a_j = (-2.5428e4 * exp(0.2444 * V) - 6.948e-6 * exp(-0.04391 * V)) * (V + 37.78)
    a_j = where(low, a_j / (1.0 + exp(0.311 * (V + 79.23))), 0.0)
    b_j = where(
        low,
        0.02424 * exp(-0.01052 * V) / (1.0 + exp(-0.1378 * (V + 40.14))),
        0.6 * exp(0.057 * V) / (1.0 + exp(-0.1 * (V + 32.0))),
    )
    tau_m = gate(-60.0, 5.0, V) * (0.1 * gate(-35.0, -5.0, V) + 0.1 * gate(50.0, -200.0, V))
    tau_d = (1.4 * gate(-35.0, 13.0, V) + 0.25) * 1.4 * gate(-5.0, -5.0, V) + gate(50.0, 20.0, V)
    tau_f = 1102.5 * exp(-(((V + 27.0) / 15.0) ** 2)) + 200.0 * gate(13.0, 10.0, V)
    tau_f = tau_f + 180.0 * gate(-30.0, -10.0, V) + 20.0
    tau_f2 = 562.0 * exp(-((V + 27.0) ** 2) / 240.0) + 31.0 * gate(25.0, 10.0, V)
    tau_f2 = tau_f2 + 80.0 * gate(-30.0, -10.0, V)
    near = 1.0 / (1.0 + (CaSS / 0.05) ** 2)
    if layer.endo:
        s_inf, tau_s = gate(-28.0, -5.0, V), 1000.0 * exp(-((V + 67.0) ** 2) / 1000.0) + 8.0
    else:
        s_inf = gate(-20.0, -5.0, V)
        tau_s = 85.0 * exp(-((V + 45.0) ** 2) / 320.0) + 5.0 * gate(20.0, -5.0, V) + 3.0

    per_volume = Cm / (Vc * F)
    dV = -(I_Na + I_K1 + I_to + I_Kr + I_Ks + I_CaL + I_NaCa + I_NaK + I_pCa + I_pK + I_bCa + I_bNa)
    dCai = (I_leak - I_up) * Vsr / Vc + I_xfer - (I_bCa + I_pCa - 2.0 * I_NaCa) * per_volume / 2.0
    dCaSS = -I_CaL * Cm / (2.0 * Vss * F) + I_rel * Vsr / Vss - I_xfer * Vc / Vss
    return (
        dV,
        (gate(-26.0, 7.0, V) - Xr1) / (450.0 * gate(-45.0, 10.0, V) * 6.0 * gate(-30.0, -11.5, V)),
        (gate(-88.0, -24.0, V) - Xr2) / (3.0 * gate(-60.0, 20.0, V) * 1.12 * gate(60.0, -20.0, V)),
        (gate(-5.0, 14.0, V) - Xs)
        / (1400.0 / sqrt(1.0 + exp((5.0 - V) / 6.0)) * gate(35.0, -15.0, V) + 80.0),
        (gate(-56.86, 9.03, V) ** 2 - m) / tau_m,
        (gate(-71.55, -7.43, V) ** 2 - h) * (a_h + b_h),
        (gate(-71.55, -7.43, V) ** 2 - j) * (a_j + b_j),
        (gate(-8.0, 7.5, V) - d) / tau_d,
        (gate(-20.0, -7.0, V) - f) / tau_f,
        (0.67 * gate(-35.0, -7.0, V) + 0.33 - f2) / tau_f2,
        (0.6 * near + 0.4 - fcass) / (80.0 * near + 2.0),
        (s_inf - s) / tau_s,
        (gate(20.0, 6.0, V) - r) / (9.5 * exp(-((V + 40.0) ** 2) / 1800.0) + 0.8),
        c_buf * dCai,
        sr_buf * (I_up - I_rel - I_leak),
        ss_buf * dCaSS,
        0.005 * (1.0 - Rbar) - k2 * CaSS * Rbar,
        -(I_Na + I_bNa + 3.0 * I_NaK + 3.0 * I_NaCa) * per_volume,
        -(I_K1 + I_to + I_Kr + I_Ks + I_pK - 2.0 * I_NaK) * per_volume,
    )
