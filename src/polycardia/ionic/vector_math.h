/* exp and log as straight lines of arithmetic, so that a compiler can inline them into a loop
 * and vectorise it.  The C library's own vector forms need -ffast-math, exist on few platforms,
 * and round differently in a loop's body than in its remainder; they are no faster here.
 *
 * Both agree with the C library to 4 units in the last place over the whole range (tested).
 * exp is clamped at the ends of that range; NaN stays NaN.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

/* the loop of a large model has hundreds of these; one that stays a call keeps it from being
 * vectorised */
#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

INLINE double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

INLINE uint64_t to_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* exp(x) = 2^k exp(r), |r| <= ln(2) / 2, exp(r) by its Taylor series to r^12 (error 2e-16).
 * ln(2) in two parts, of which the first times k is exact. */
INLINE double exp_(double x)
{
    x = x > 709.0 ? 709.0 : x;
    x = x < -708.0 ? -708.0 : x;
    const double k = __builtin_rint(x * 1.4426950408889634);
    const double r = (x - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33;
    const double r2 = r * r;
    const double r4 = r2 * r2;
    /* Estrin's scheme: short chains of dependent operations */
    const double low = (1.0 + r) + r2 * (0.5 + r * 1.6666666666666666e-1);
    const double middle = (4.1666666666666664e-2 + r * 8.3333333333333333e-3)
        + r2 * (1.3888888888888889e-3 + r * 1.9841269841269841e-4);
    const double high = (2.4801587301587302e-5 + r * 2.7557319223985893e-6)
        + r2 * (2.7557319223985888e-7 + r * 2.5052108385441720e-8);
    const double p = low + r4 * (middle + r4 * (high + r4 * 2.0876756987868099e-9));
    /* k + 1.5 * 2^52 holds the integer k in its low bits */
    const uint64_t integer = to_bits(k + 6755399441055744.0);
    return p * from_bits((integer + 1023) << 52);
}

/* log(x) = e ln(2) + 2 artanh((m - 1) / (m + 1)), x = 2^e m, m in [sqrt(1/2), sqrt(2)).
 * NaN for all that is not a normal positive number, zero too: a concentration that has run
 * below zero must not go on as a plausible number. */
INLINE double log_(double x)
{
    const uint64_t shifted = to_bits(x) - UINT64_C(0x3fe6a09e667f3bcd);
    /* biased by 1024 so that the shift is of a positive number; then read as 2^52 + integer */
    const uint64_t biased = (shifted + (UINT64_C(1024) << 52)) >> 52;
    const double e = from_bits(biased | UINT64_C(0x4330000000000000)) - (4503599627370496.0 + 1024.0);
    const double m = from_bits((shifted & UINT64_C(0x000fffffffffffff)) + UINT64_C(0x3fe6a09e667f3bcd));
    const double s = (m - 1.0) / (m + 1.0);
    const double z = s * s;
    const double z2 = z * z;
    const double z4 = z2 * z2;
    const double low = (6.6666666666666666e-1 + z * 4e-1) + z2 * (2.8571428571428571e-1 + z * 2.2222222222222222e-1);
    const double high = (1.8181818181818182e-1 + z * 1.5384615384615385e-1)
        + z2 * (1.3333333333333333e-1 + z * 1.1764705882352941e-1);
    const double series = low + z4 * (high + z4 * 1.0526315789473684e-1);
    const double logarithm = e * 0.6931471805599453 + (s + s + s * z * series);
    return (x >= 2.2250738585072014e-308) & (x <= 1.7976931348623157e308) ? logarithm : NAN;
}

/* x^y; NaN for x < 0 where y is no whole number, and for 0 where y < 0 */
INLINE double pow_(double x, double y)
{
    const double size = exp_(y * log_(fabs(x)));
    const double sign = y - 2.0 * floor(0.5 * y) == 1.0 ? -1.0 : 1.0;
    const double below = y == floor(y) ? sign * size : NAN;
    const double zero = y > 0.0 ? 0.0 : y == 0.0 ? 1.0 : NAN;
    return x > 0.0 ? size : x < 0.0 ? below : x == 0.0 ? zero : NAN;
}

/* (exp(x) - 1) / x, by its series where the quotient would lose digits or be 0 / 0: both agree
 * to 2e-11 where they meet */
INLINE double growth_(double x)
{
    const double quotient = (exp_(x) - 1.0) / x;
    return fabs(x) < 1e-5 ? 1.0 + 0.5 * x : quotient;
}

/* the same to second order in one division, and positive: (1 + x / 2) / (1 - x / 2) for decay */
INLINE double tangent_(double x)
{
    const double decay = 1.0 / (1.0 - 0.5 * x);
    return x < 0.0 ? decay : 1.0 + 0.5 * x;
}
