"""The C text around a cell model's equations: loops, buffers, interpolation between nodes."""

from pathlib import Path

FUNCTION = "advance"
BETWEEN = "between"

CACHED = 5120
"""Numbers of the cells that take all steps of a call together: 40 kB, less than a core's cache."""

VECTOR_MATH = Path(__file__).with_name("vector_math.h")

LANES = 8
"""Doubles of the widest vectors. Every cell goes through the vectorised loop, the last few in a
buffer: in a loop of their own they would be rounded differently (multiply-adds are formed
elsewhere), and a cell's values would depend on its place."""

TEMPLATE = """\
#include <stddef.h>
{vector_math}
#define LANES {lanes}
#define STATES {n_states}
#define PARAMETERS {n_parameters}
#define ELEMENTS {elements}
#define POINTS (4 * ELEMENTS)
#define BETWEEN_STATES {n_between}

/* n is a multiple of LANES; not inlined, so that there is one version of it */
#if defined(__GNUC__)
__attribute__((noinline))
#endif
static void advance_block(double *restrict voltage, const double *restrict gating,
                          double *restrict states, size_t stride, size_t first, size_t n,
                          double dt, const double *const *parameters)
{{
    {pointers}
    {invariants}
    #pragma omp simd
    for (size_t i = first; i < first + n; ++i) {{
        {body}
    }}
}}

static void advance_rest(double *voltage, const double *gating, double *states, size_t stride,
                         size_t first, size_t n, double dt, size_t n_steps,
                         const double *const *parameters)
{{
    double v[LANES], g[LANES], y[(STATES + 1) * LANES], p[(PARAMETERS + 1) * LANES];
    const double *pointers[PARAMETERS + 1];
    for (size_t j = 0; j < LANES; ++j) {{
        const size_t i = first + (j < n ? j : 0);
        v[j] = voltage[i];
        g[j] = gating ? gating[i] : v[j];
        for (size_t k = 0; k < STATES; ++k)
            y[k * LANES + j] = states[k * stride + i];
        for (size_t k = 0; k < PARAMETERS; ++k) {{
            p[k * LANES + j] = parameters[k][i];
            pointers[k] = p + k * LANES;
        }}
    }}
    for (size_t step = 0; step < n_steps; ++step) {{
        if (!gating)
            memcpy(g, v, sizeof g);
        advance_block(v, g, y, LANES, 0, LANES, dt, pointers);
    }}
    for (size_t j = 0; j < n; ++j) {{
        voltage[first + j] = v[j];
        for (size_t k = 0; k < STATES; ++k)
            states[k * stride + first + j] = y[k * LANES + j];
    }}
}}

void {function}(double *voltage, const double *gating, double *states, size_t stride, size_t n,
             double dt, size_t n_steps, const double *const *parameters)
{{
    const size_t whole = n - n % LANES;
    double own[{block}];
    for (size_t first = 0; first < whole; first += {block}) {{
        const size_t left = whole - first, count = left < {block} ? left : {block};
        for (size_t step = 0; step < n_steps; ++step) {{
            if (!gating)
                memcpy(own, voltage + first, count * sizeof *own);
            advance_block(voltage, gating ? gating + first : own, states, stride, first, count,
                          dt, parameters);
        }}
    }}
    if (whole < n)
        advance_rest(voltage, gating, states, stride, whole, n - whole, dt, n_steps, parameters);
}}

/* n is a multiple of LANES */
static void change_block(const double *restrict voltage, const double *restrict between,
                         double *restrict change, size_t n, double dt,
                         const double *const *parameters)
{{
    {between_pointers}
    {between_invariants}
    #pragma omp simd
    for (size_t i = 0; i < n; ++i) {{
        {between_body}
    }}
}}

/* The points of an element: each nearest to one of its corners. */
void {between}(const double *voltage, const double *states, size_t stride, size_t n, double dt,
             const double *const *parameters, const int32_t *nodes, const int32_t *columns,
             const int32_t *rows, const int32_t *targets, const double *weights,
             double own, double other, double *sums)
{{
    double v[POINTS], y[(BETWEEN_STATES + 1) * POINTS], p[(PARAMETERS + 1) * POINTS], dv[POINTS];
    static const size_t row[BETWEEN_STATES + 1] = {{{between_rows}}};
    const double *pointers[PARAMETERS + 1];
    const double nearer = own - other;
    for (size_t k = 0; k < PARAMETERS; ++k)
        pointers[k] = p + k * POINTS;
    for (size_t first = 0; first < n; first += ELEMENTS) {{
        const size_t left = n - first, count = left < ELEMENTS ? left : ELEMENTS;
        for (size_t j = 0; j < ELEMENTS; ++j) {{
            const size_t i = 4 * (first + (j < count ? j : 0));
            const int32_t *m = nodes + i, *c = columns + i;
            const double all = other
                * (voltage[m[0]] + voltage[m[1]] + voltage[m[2]] + voltage[m[3]]);
            for (size_t q = 0; q < 4; ++q)
                v[q * ELEMENTS + j] = all + nearer * voltage[m[q]];
            for (size_t k = 0; k < BETWEEN_STATES; ++k) {{
                const double *s = states + row[k] * stride;
                const double corner[4] = {{s[c[0]], s[c[1]], s[c[2]], s[c[3]]}};
                const double sum = other * (corner[0] + corner[1] + corner[2] + corner[3]);
                for (size_t q = 0; q < 4; ++q)
                    y[k * POINTS + q * ELEMENTS + j] = sum + nearer * corner[q];
            }}
            for (size_t k = 0; k < PARAMETERS; ++k)
                for (size_t q = 0; q < 4; ++q)
                    p[k * POINTS + q * ELEMENTS + j] = parameters[k][rows[i + q]];
        }}
        change_block(v, y, dv, POINTS, dt, pointers);
        for (size_t j = 0; j < count; ++j) {{
            const size_t i = 4 * (first + j);
            double share[4], all = 0.0;
            for (size_t q = 0; q < 4; ++q) {{
                share[q] = weights[i + q] * dv[q * ELEMENTS + j];
                all += other * share[q];
            }}
            for (size_t q = 0; q < 4; ++q)
                sums[targets[i + q]] += all + nearer * share[q];
        }}
    }}
}}
"""

ELEMENTS = 16
"""Elements of which the four points between their nodes are computed together."""
