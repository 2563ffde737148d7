"""Tomek et al., eLife 8:e48890, 2019, with the dynamic chloride of bioRxiv 2020.06.01.127043.

In the order and with the letters of the papers' supplements.  The states of I_Kr are those of
the authors' program: C0, C1, C2, O, I; C0 is what the others leave.
"""

from dataclasses import dataclass

from papers.functions import Functions

STATES = (
    *("sodium.na_i", "sodium.na_ss", "potassium.k_i", "potassium.k_ss"),
    *("calcium.ca_i", "calcium.ca_ss", "calcium.ca_nsr", "calcium.ca_jsr"),
    *("i_na.m", "i_na.h_p", "i_na.h", "i_na.j", "i_na.j_p", "i_nal.m", "i_nal.h", "i_nal.h_p"),
    *("i_to.a", "i_to.i_f", "i_to.i_s", "i_to.a_p", "i_to.i_fp", "i_to.i_sp"),
    *("i_cal.d", "i_cal.f_f", "i_cal.f_s", "i_cal.f_caf", "i_cal.f_cas", "i_cal.j_ca"),
    *("i_cal.n_ss", "i_cal.n_i", "i_cal.f_fp", "i_cal.f_cafp", "i_ks.x1", "i_ks.x2"),
    *("release.j_np", "camk.trapped", "i_kr.c1", "i_kr.c2", "i_kr.o", "i_kr.i", "release.j_p"),
    *("chloride.cl_i", "chloride.cl_ss"),
)


@dataclass(frozen=True)
class Layer:
    """Factors on the endocardial cell's constants."""

    NaL: float = 1.0
    to: float = 1.0
    CaL: float = 1.0
    Kr: float = 1.0
    Ks: float = 1.0
    K1: float = 1.0
    NaCa: float = 1.0
    NaK: float = 1.0
    Kb: float = 1.0
    cmdn: float = 1.0
    rel: float = 1.0
    up: float = 1.0
    delta: float = 0.0


CELLS = {
    "torord_endo": Layer(),
    "torord_mid": Layer(to=2.0, CaL=2.0, Kr=0.8, K1=1.3, NaCa=1.4, NaK=0.7, rel=1.7),
    "torord_epi": Layer(
        NaL=0.6, to=2.0, CaL=1.2, Kr=1.3, Ks=1.4, K1=1.2, NaCa=1.1, NaK=0.9, Kb=0.6, cmdn=1.3,
        up=1.3, delta=0.95,
    ),
}  # fmt: skip

R, T, F = 8314.0, 310.0, 96485.0
nao, cao, ko, clo = 140.0, 1.8, 5.0, 150.0
L, rad = 0.01, 0.0011
vcell = 1000.0 * 3.14 * rad * rad * L
Acap = 2.0 * (2.0 * 3.14 * rad * rad + 2.0 * 3.14 * rad * L)
vmyo, vnsr, vjsr, vss = 0.68 * vcell, 0.0552 * vcell, 0.0048 * vcell, 0.02 * vcell


def activities(m, na, k, cl, ca):
    """Davies: activity coefficients of monovalent and of divalent ions."""
    ionic = 0.5 * (na + k + cl + 4.0 * ca) / 1000.0
    root = m.sqrt(ionic)
    A = 1.82e6 / (74.0 * 310.0) ** 1.5
    power = root / (1.0 + root) - 0.3 * ionic
    return m.exp(-A * power), m.exp(-4.0 * A * power)


def ghk(m, z, vfrt, inside, outside):
    """z^2 v F^2 / RT (inside exp(z vfrt) - outside) / (exp(z vfrt) - 1)."""
    return z * F * m.over_expm1(z * vfrt) * (inside * m.exp(z * vfrt) - outside)


def exchanger(m, V, na, ca):
    """I_NaCa of one side for a conductance of 1."""
    kna1, kna2, kna3, wna, wca, wnaca = 15.0, 5.0, 88.12, 6e4, 6e4, 5e3
    hca, hna = m.exp(0.1670 * V * F / (R * T)), m.exp(0.5224 * V * F / (R * T))
    h1 = 1.0 + na / kna3 * (1.0 + hna)
    h2 = na * hna / (kna3 * h1)
    h3 = 1.0 / h1
    h4 = 1.0 + na / kna1 * (1.0 + na / kna2)
    h5 = na * na / (h4 * kna1 * kna2)
    h6 = 1.0 / h4
    h7 = 1.0 + nao / kna3 * (1.0 + 1.0 / hna)
    h8 = nao / (kna3 * hna * h7)
    h9 = 1.0 / h7
    h10 = 12.5 + 1.0 + nao / kna1 * (1.0 + nao / kna2)
    h11 = nao * nao / (h10 * kna1 * kna2)
    k1, k2, k5 = cao * 1.5e6 / h10, 5e3, 5e3
    k3p, k3pp, k4p, k4pp = h9 * wca, h8 * wnaca, h3 * wca / hca, h2 * wnaca
    k3, k4 = k3p + k3pp, k4p + k4pp
    k6, k7, k8 = h6 * ca * 1.5e6, h5 * h2 * wna, h8 * h11 * wna
    x1 = k2 * k4 * (k7 + k6) + k5 * k7 * (k2 + k3)
    x2 = k1 * k7 * (k4 + k5) + k4 * k6 * (k1 + k8)
    x3 = k1 * k3 * (k7 + k6) + k8 * k6 * (k2 + k3)
    x4 = k2 * k8 * (k4 + k5) + k3 * k5 * (k1 + k8)
    total = x1 + x2 + x3 + x4
    J_Na = (3.0 * (x4 * k7 - x1 * k8) + x3 * k4pp - x2 * k3pp) / total
    J_Ca = (x2 * k2 - x1 * k1) / total
    return (J_Na + 2.0 * J_Ca) / (1.0 + (150e-6 / ca) ** 2)


def pump(m, V, nai, ki):
    """I_NaK for a permeability of 1."""
    x = V * F / (R * T)
    Na_i, Na_o = nai / (9.073 * m.exp(-0.1550 * x / 3.0)), nao / (27.78 * m.exp(1.1550 * x / 3.0))
    K_i, K_o = ki / 0.5, ko / 0.3582
    ATP = 9.8 / 1.698e-7
    P = 4.2 / (1.0 + 1e-7 / 1.698e-7 + nai / 224.0 + ki / 292.0)
    inner = (1.0 + Na_i) ** 3 + (1.0 + K_i) ** 2 - 1.0
    outer = (1.0 + Na_o) ** 3 + (1.0 + K_o) ** 2 - 1.0
    a1, b1 = 949.5 * Na_i**3 / inner, 182.4 * 0.05
    a2, b2 = 687.2, 39.4 * Na_o**3 / outer
    a3, b3 = 1899.0 * K_o**2 / outer, 79300.0 * P * 1e-7 / (1.0 + ATP)
    a4, b4 = 639.0 * ATP / (1.0 + ATP), 40.0 * K_i**2 / inner
    x1 = a4 * a1 * a2 + b2 * b4 * b3 + a2 * b4 * b3 + b3 * a1 * a2
    x2 = b2 * b1 * b4 + a1 * a2 * a3 + a3 * b1 * b4 + a2 * a3 * b4
    x3 = a2 * a3 * a4 + b3 * b2 * b1 + b2 * b1 * a4 + a3 * a4 * b1
    x4 = b4 * b3 * b2 + a3 * a4 * a1 + b2 * a4 * a1 + b3 * b2 * a1
    total = x1 + x2 + x3 + x4
    return (3.0 * (x1 * a3 - x2 * b3) + 2.0 * (x4 * b1 - x3 * a1)) / total


def rhs(V, y, layer: Layer, m: Functions):
    """Return d/dt of V and of ``STATES``, without a stimulus."""
    exp, log, gate, where = m.exp, m.log, m.gate, m.where
    (nai, nass, ki, kss, cai, cass, cansr, cajsr, mm, hp, h, j, jp, mL, hL, hLp,
     a, iF, iS, ap, iFp, iSp, d, ff, fs, fcaf, fcas, jca, nca, nca_i, ffp, fcafp, xs1, xs2,
     Jrelnp, CaMKt, C1, C2, O, I, Jrelp, cli, clss) = y  # fmt: skip  # noqa: E741
    RT_F = R * T / F
    vfrt = V / RT_F

    CaMKb = 0.05 * (1.0 - CaMKt) * cass / (cass + 0.0015)
    CaMKa = CaMKb + CaMKt
    phi = CaMKa / (CaMKa + 0.15)
    E_Na, E_K = RT_F * log(nao / nai), RT_F * log(ko / ki)
    E_Ks = RT_F * log((ko + 0.01833 * nao) / (ki + 0.01833 * nai))
    E_Cl, E_Clss = -RT_F * log(clo / cli), -RT_F * log(clo / clss)

    # I_Na and I_NaL
    I_Na = 11.7802 * (V - E_Na) * mm**3 * ((1.0 - phi) * h * j + phi * hp * jp)
    t_m = 0.1292 * exp(-(((V + 45.79) / 15.54) ** 2)) + 0.06487 * exp(-(((V - 4.823) / 51.12) ** 2))
    low = V < -40.0
    a_h = where(low, 0.057 * exp(-(V + 80.0) / 6.8), 0.0)
    b_h = where(
        low, 2.7 * exp(0.079 * V) + 3.1e5 * exp(0.3485 * V), 0.77 / 0.13 * gate(-10.66, 11.1, V)
    )
    a_j = (-2.5428e4 * exp(0.2444 * V) - 6.948e-6 * exp(-0.04391 * V)) * (V + 37.78)
    a_j = where(low, a_j / (1.0 + exp(0.311 * (V + 79.23))), 0.0)
    b_j = where(
        low,
        0.02424 * exp(-0.01052 * V) / (1.0 + exp(-0.1378 * (V + 40.14))),
        0.6 * exp(0.057 * V) / (1.0 + exp(-0.1 * (V + 32.0))),
    )
    hss = gate(-71.55, -7.43, V) ** 2
    I_NaL = 0.0279 * layer.NaL * (V - E_Na) * mL * ((1.0 - phi) * hL + phi * hLp)

    # I_to
    ta = 1.0515 / (gate(18.4099, 29.3814, V) / 1.2089 + 3.5 * gate(-100.0, -29.3814, V))
    delta = 1.0 - layer.delta * gate(-70.0, -5.0, V)
    tiF = 4.562 + 1.0 / (0.3933 * exp(-(V + 100.0) / 100.0) + 0.08004 * exp((V + 50.0) / 16.59))
    tiS = 23.62 + 1.0 / (0.001416 * exp(-(V + 96.52) / 59.05) + 1.780e-8 * exp((V + 114.1) / 8.079))
    tiF, tiS = delta * tiF, delta * tiS
    dti = 1.354 + 1e-4 / (exp((V - 167.4) / 15.89) + exp(-(V - 12.23) / 0.2154))
    dti = dti * (1.0 - 0.5 * gate(-70.0, -20.0, V))
    AiF = gate(213.6, -151.2, V)
    iss = gate(-43.94, -5.711, V)
    i, ip = AiF * iF + (1.0 - AiF) * iS, AiF * iFp + (1.0 - AiF) * iSp
    I_to = 0.16 * layer.to * (V - E_K) * ((1.0 - phi) * a * i + phi * ap * ip)

    # I_CaL
    dss = where(V > 31.4978, 1.0, 1.0763 * exp(-1.0070 * exp(-0.0829 * V)))
    td = 0.6 + 1.0 / (exp(-0.05 * (V + 6.0)) + exp(0.09 * (V + 14.0)))
    fss = gate(-19.58, -3.696, V)
    tff = 7.0 + 1.0 / (0.0045 * (exp(-(V + 20.0) / 10.0) + exp((V + 20.0) / 10.0)))
    tfs = 1000.0 + 1.0 / (0.000035 * (exp(-(V + 5.0) / 4.0) + exp((V + 5.0) / 6.0)))
    tfcaf = 7.0 + 1.0 / (0.04 * (exp(-(V - 4.0) / 7.0) + exp((V - 4.0) / 7.0)))
    tfcas = 100.0 + 1.0 / (0.00012 * (exp(-V / 3.0) + exp(V / 7.0)))
    Afcaf = 0.3 + 0.6 * gate(10.0, -10.0, V)
    f, fp = 0.6 * ff + 0.4 * fs, 0.6 * ffp + 0.4 * fs
    fca, fcap = Afcaf * fcaf + (1.0 - Afcaf) * fcas, Afcaf * fcafp + (1.0 - Afcaf) * fcas
    anca = 1.0 / (500.0 / jca + (1.0 + 0.002 / cass) ** 4)
    anca_i = 1.0 / (500.0 / jca + (1.0 + 0.002 / cai) ** 4)
    g_o, g_cao = activities(m, nao, ko, clo, cao)
    g_ss, g_cass = activities(m, nass, kss, clss, cass)
    g_i, g_cai = activities(m, nai, ki, cli, cai)
    PCa = 8.3757e-5 * layer.CaL
    plain = (1.0 - phi) * PCa * d * (f * (1.0 - nca) + jca * fca * nca)
    phosph = phi * 1.1 * PCa * d * (fp * (1.0 - nca) + jca * fcap * nca)
    P_ss = 0.8 * (plain + phosph)
    plain = (1.0 - phi) * PCa * d * (f * (1.0 - nca_i) + jca * fca * nca_i)
    phosph = phi * 1.1 * PCa * d * (fp * (1.0 - nca_i) + jca * fcap * nca_i)
    P_i = 0.2 * (plain + phosph)
    I_CaL_ss = P_ss * ghk(m, 2.0, vfrt, g_cass * cass, g_cao * cao)
    I_CaNa_ss = 0.00125 * P_ss * ghk(m, 1.0, vfrt, g_ss * nass, g_o * nao)
    I_CaK_ss = 3.574e-4 * P_ss * ghk(m, 1.0, vfrt, g_ss * kss, g_o * ko)
    I_CaL_i = P_i * ghk(m, 2.0, vfrt, g_cai * cai, g_cao * cao)
    I_CaNa_i = 0.00125 * P_i * ghk(m, 1.0, vfrt, g_i * nai, g_o * nao)
    I_CaK_i = 3.574e-4 * P_i * ghk(m, 1.0, vfrt, g_i * ki, g_o * ko)

    # I_Kr
    alpha, beta = 0.1161 * exp(0.2990 * vfrt), 0.2442 * exp(-1.604 * vfrt)
    alpha_1, beta_1 = 1.25 * 0.1235, 0.1911
    alpha_2, beta_2 = 0.0578 * exp(0.9710 * vfrt), 0.349e-3 * exp(-1.062 * vfrt)
    alpha_i, beta_i = 0.2533 * exp(0.5953 * vfrt), 1.25 * 0.0522 * exp(-0.8209 * vfrt)
    alpha_C2I = 0.52e-4 * exp(1.525 * vfrt)
    beta_IC2 = beta_2 * beta_i * alpha_C2I / (alpha_2 * alpha_i)
    C0 = 1.0 - (C1 + C2 + O + I)
    I_Kr = 0.0321 * layer.Kr * m.sqrt(ko / 5.0) * O * (V - E_K)

    # I_Ks and I_K1
    KsCa = 1.0 + 0.6 / (1.0 + (3.8e-5 / cai) ** 1.4)
    I_Ks = 0.0011 * layer.Ks * KsCa * xs1 * xs2 * (V - E_Ks)
    txs1 = 817.3 + 1.0 / (
        2.326e-4 * exp((V + 48.28) / 17.80) + 0.001292 * exp(-(V + 210.0) / 230.0)
    )
    txs2 = 1.0 / (0.01 * exp((V - 50.0) / 20.0) + 0.0193 * exp(-(V + 66.54) / 31.0))
    a_K1 = 4.094 / (1.0 + exp(0.1217 * (V - E_K - 49.934)))
    b_K1 = 15.72 * exp(0.0674 * (V - E_K - 3.257)) + exp(0.0618 * (V - E_K - 594.31))
    b_K1 = b_K1 / (1.0 + exp(-0.1629 * (V - E_K + 14.207)))
    I_K1 = 0.6992 * layer.K1 * m.sqrt(ko / 5.0) * a_K1 / (a_K1 + b_K1) * (V - E_K)

    I_NaCa_i = 0.65 * 0.0034 * layer.NaCa * exchanger(m, V, nai, cai)
    I_NaCa_ss = 0.35 * 0.0034 * layer.NaCa * exchanger(m, V, nass, cass)
    I_NaK = 15.4509 * layer.NaK * pump(m, V, nai, ki)
    I_Kb = 0.0189 * layer.Kb * gate(10.8968, 23.9871, V) * (V - E_K)
    I_Nab = 1.9239e-9 * ghk(m, 1.0, vfrt, nai, nao)
    I_Cab = 5.9194e-8 * ghk(m, 2.0, vfrt, g_cai * cai, g_cao * cao)
    I_pCa = 5e-4 * cai / (0.0005 + cai)
    I_ClCa = 0.2843 * cass / (cass + 0.1) * (V - E_Clss)
    I_Clb = 1.98e-3 * (V - E_Cl)

    # calcium handling
    steep = 1.0 / (1.0 + (1.7 / cajsr) ** 8)
    Jrel_inf = 0.5 * 4.75 * layer.rel * -I_CaL_ss * steep
    t_rel = 4.75 / (1.0 + 0.0123 / cajsr)
    t_rel, t_relp = where(t_rel < 1e-3, 1e-3, t_rel), where(1.25 * t_rel < 1e-3, 1e-3, 1.25 * t_rel)
    J_rel = 1.5378 * ((1.0 - phi) * Jrelnp + phi * Jrelp)
    J_up = (1.0 - phi) * cai / (cai + 0.00092) + phi * 2.75 * cai / (cai + 0.00092 - 0.00017)
    J_up = 0.005425 * layer.up * J_up - 0.0048825 * cansr / 15.0
    J_tr = (cansr - cajsr) / 60.0
    J_Na, J_K, J_Cl, J_Ca = (
        (nass - nai) / 2.0,
        (kss - ki) / 2.0,
        (clss - cli) / 2.0,
        (cass - cai) / 0.2,
    )
    B_cai = 0.05 * layer.cmdn * 0.00238 / (0.00238 + cai) ** 2 + 0.07 * 0.0005 / (0.0005 + cai) ** 2
    B_cass = 0.047 * 0.00087 / (0.00087 + cass) ** 2 + 1.124 * 0.0087 / (0.0087 + cass) ** 2
    B_cajsr = 10.0 * 0.8 / (0.8 + cajsr) ** 2
    myo, ss = Acap / (F * vmyo), Acap / (F * vss)
    return (
        -(I_Na + I_NaL + I_to + I_CaL_ss + I_CaL_i + I_CaNa_ss + I_CaNa_i + I_CaK_ss + I_CaK_i
          + I_Kr + I_Ks + I_K1 + I_NaCa_i + I_NaCa_ss + I_NaK + I_Nab + I_Kb + I_pCa + I_Cab
          + I_ClCa + I_Clb),
        -(I_CaNa_i + I_Na + I_NaL + 3.0 * I_NaCa_i + 3.0 * I_NaK + I_Nab) * myo + J_Na * vss / vmyo,
        -(I_CaNa_ss + 3.0 * I_NaCa_ss) * ss - J_Na,
        -(I_CaK_i + I_to + I_Kr + I_Ks + I_K1 + I_Kb - 2.0 * I_NaK) * myo + J_K * vss / vmyo,
        -I_CaK_ss * ss - J_K,
        (-(I_CaL_i + I_pCa + I_Cab - 2.0 * I_NaCa_i) * myo / 2.0 - J_up * vnsr / vmyo
         + J_Ca * vss / vmyo) / (1.0 + B_cai),
        (-(I_CaL_ss - 2.0 * I_NaCa_ss) * ss / 2.0 + J_rel * vjsr / vss - J_Ca) / (1.0 + B_cass),
        J_up - J_tr * vjsr / vnsr,
        (J_tr - J_rel) / (1.0 + B_cajsr),
        (gate(-56.86, 9.03, V) ** 2 - mm) / t_m,
        (gate(-77.55, -7.43, V) ** 2 - hp) * (a_h + b_h),
        (hss - h) * (a_h + b_h),
        (hss - j) * (a_j + b_j),
        (hss - jp) * (a_j + b_j) / 1.46,
        (gate(-42.85, 5.264, V) - mL) / t_m,
        (gate(-87.61, -7.488, V) - hL) / 200.0,
        (gate(-93.81, -7.488, V) - hLp) / 600.0,
        (gate(14.34, 14.82, V) - a) / ta,
        (iss - iF) / tiF,
        (iss - iS) / tiS,
        (gate(24.34, 14.82, V) - ap) / ta,
        (iss - iFp) / (dti * tiF),
        (iss - iSp) / (dti * tiS),
        (dss - d) / td,
        (fss - ff) / tff,
        (fss - fs) / tfs,
        (fss - fcaf) / tfcaf,
        (fss - fcas) / tfcas,
        (gate(-18.08, -2.7916, V) - jca) / 72.5,
        anca * 500.0 - nca * jca,
        anca_i * 500.0 - nca_i * jca,
        (fss - ffp) / (2.5 * tff),
        (fss - fcafp) / (2.5 * tfcaf),
        (gate(-11.60, 8.932, V) - xs1) / txs1,
        (gate(-11.60, 8.932, V) - xs2) / txs2,
        (Jrel_inf - Jrelnp) / t_rel,
        0.05 * CaMKb * CaMKa - 0.00068 * CaMKt,
        C0 * alpha + C2 * beta_1 - C1 * (beta + alpha_1),
        C1 * alpha_1 + O * beta_2 + I * beta_IC2 - C2 * (beta_1 + alpha_2 + alpha_C2I),
        C2 * alpha_2 + I * beta_i - O * (beta_2 + alpha_i),
        C2 * alpha_C2I + O * alpha_i - I * (beta_IC2 + beta_i),
        (1.25 * Jrel_inf - Jrelp) / t_relp,
        I_Clb * myo + J_Cl * vss / vmyo,
        I_ClCa * ss - J_Cl,
    )  # fmt: skip
