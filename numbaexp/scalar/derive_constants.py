"""Derive the constants of the scalars and write them to ``constants.py``.

``python -m numbaexp.scalar.derive_constants`` writes the file; with ``--check`` it compares and exits 1 where the file
differs. mpmath (extra ``test``) does the arithmetic with 500 bits.
"""

import pathlib
import sys

import mpmath

from numbaexp.scalar.constants_writer import Writer, double, float_texts, minimax, single, truncated
from numbaexp.scalar.derive_logarithms import (
    logarithm_constants,
    logarithm_tables,
    shared_logarithms,
    wide_logarithm_constants,
)

TARGET = pathlib.Path(__file__).with_name("constants.py")


def exp2_quotient(f):
    """Compute (2**f - 1) / f."""
    return mpmath.expm1(f * mpmath.log(2)) / f if f else mpmath.log(2)


def half_constants(out):
    log2e = 1 / mpmath.log(2)
    high = single(log2e)
    out.comment("float16 and bfloat16: log2(e) as the sum of two float32.")
    out.float32("HALF_LOG2E_HI", high)
    out.float32("HALF_LOG2E_LO", log2e - high)
    out.polynomial("HALF_EXP2", lambda r: mpmath.mpf(2) ** r, (0, 1), 6, "float32", exact_first=True)


def single_constants(out):
    out.comment("float32, evaluated in float64: log2(e), and the rest that wider ranges need.")
    log2e = 1 / mpmath.log(2)
    out.float64("SINGLE_LOG2E", log2e)
    out.float64("SINGLE_LOG2E_LOW", log2e - double(log2e))
    out.comment("log2(10) as the sum of two.")
    log2_10 = mpmath.log(10, 2)
    out.float64("SINGLE_LOG2_10", log2_10)
    out.float64("SINGLE_LOG2_10_LOW", log2_10 - double(log2_10))
    half = mpmath.mpf(1) / 2
    out.polynomial("SINGLE_EXP2", lambda r: mpmath.mpf(2) ** r, (-half, half), 10, "float64")
    out.polynomial("SINGLE_EXP2_QUOTIENT", exp2_quotient, (-half, half), 10, "float64")
    coefficients, error = minimax(exp2_quotient, (mpmath.mpf(0), mpmath.mpf(1)), 7, lambda f: (f + 0.001) / 2**f)
    out.comment(f"(2**f - 1) / f: degree 7 on [0, 1], error times f / 2**f 2**{mpmath.nstr(mpmath.log(error, 2), 5)}")
    out.floats("ROW_EXP2_QUOTIENT", coefficients, double)


def double_constants(out):
    step = mpmath.log(2) / 4
    out.comment("float64: 4 / ln(2); ln(2) / 4 as 40 bits, whose product with |n| < 2**13 is exact, and the rest.")
    out.float64("DOUBLE_STEPS", 1 / step)
    high = truncated(step, 40)
    out.float64("DOUBLE_STEP_HI", high)
    out.float64("DOUBLE_STEP_LO", step - high)
    out.comment("ln(2), ln(10), ln(2) / 4 and 4 log2(10), each as the sum of two float64.")
    pairs = {"LN2": 4 * step, "LN10": mpmath.log(10), "STEP_WHOLE": step, "LOG2_10": 4 * mpmath.log(10, 2)}
    for name, value in pairs.items():
        out.float64(f"DOUBLE_{name}_HI", value)
        out.float64(f"DOUBLE_{name}_LO", value - double(value))
    out.comment("2**(j/4) as the sum of two float64.")
    for j in range(4):
        root = mpmath.mpf(2) ** (mpmath.mpf(j) / 4)
        out.float64(f"DOUBLE_ROOT_{j}_HI", root)
        out.float64(f"DOUBLE_ROOT_{j}_LO", root - double(root))
    reach = step / 2 * (1 + mpmath.mpf(2) ** -30)

    def tail(r):
        """Compute (exp(r) - 1 - r - r**2/2) / r**3, by its series where the quotient would cancel."""
        return mpmath.nsum(lambda i: r ** int(i) / mpmath.factorial(int(i) + 3), [0, 60])

    out.polynomial("DOUBLE_TAIL", tail, (-reach, reach), 7, "float64")

    def middle_tail(r):
        """Compute (exp(r) - 1 - r - r**2/2 - r**3/6) / r**4 likewise."""
        return mpmath.nsum(lambda i: r ** int(i) / mpmath.factorial(int(i) + 4), [0, 60])

    out.polynomial("MIDDLE_TAIL", middle_tail, (-reach, reach), 8, "float64")
    out.comment("1/6 as the sum of two.")
    sixth = mpmath.mpf(1) / 6
    out.float64("SIXTH_HI", sixth)
    out.float64("SIXTH_LO", sixth - double(sixth))


def hyperbolic_gradient_constants(out):
    def tail(u):
        """Compute (sinh(x) / x - 1 - u/6 - u**2/120) / u**3, u = x**2, by its series."""
        return mpmath.nsum(lambda i: u ** int(i) / mpmath.factorial(2 * int(i) + 7), [0, 40])

    out.comment("1/120 as the sum of two.")
    coefficient = mpmath.mpf(1) / 120
    out.float64("SINH_120TH_HI", coefficient)
    out.float64("SINH_120TH_LO", coefficient - double(coefficient))
    out.polynomial("SINH_TAIL", tail, (0, mpmath.mpf(1) / 4), 4, "float64")
    out.comment("1/6 as the sum of two; 1/120, 1/5040, 1/9! and 1/11!.")
    sixth = mpmath.mpf(1) / 6
    out.floats("SIXTH_F32", [sixth, sixth - single(sixth)], single)
    out.floats("SINH_F32", [1 / mpmath.factorial(n) for n in (5, 7, 9, 11)], single)


# Entries of a table of 2**(j/N), and the degree of the polynomial that goes with it.
TABLES = {"F32_32": (single, 32, 2), "F32_8": (single, 8, 3), "F64_16": (double, 16, 5)}


def table_constants(out):
    def tail(r):
        """Compute (exp(r) - 1 - r) / r**2, by its series where the quotient would cancel."""
        return mpmath.nsum(lambda i: r ** int(i) / mpmath.factorial(int(i) + 2), [0, 40])

    def tail_of_2(f):
        """Compute (2**f - 1 - f ln(2)) / f**2."""
        return log2**2 * tail(f * log2)

    log2 = mpmath.log(2)
    for name, (rounded, entries, degree) in TABLES.items():
        powers = [mpmath.mpf(2) ** (mpmath.mpf(j) / entries) for j in range(entries)]
        roots = [rounded(power) for power in powers]
        slopes = [rounded(root * log2) for root in roots]
        columns = zip(powers, roots, slopes, strict=True)
        logs, rests, slope_rests = zip(
            *((mpmath.log(p / r), p / r - 1, (p * log2 - s) / r) for p, r, s in columns), strict=True
        )
        out.comment(f"2**(j/{entries})")
        out.lines.append(f"ROOTS_{name} = Roots(")
        for values in (roots, logs, rests, slopes, slope_rests):
            out.lines.append(f"    {float_texts(values, rounded, indentation=4)},")
        out.lines.append(")")
        for label, function, unit in (("TAIL", tail, log2), ("TAIL_OF_2", tail_of_2, mpmath.mpf(1))):
            reach = unit / (2 * entries) * (1 + mpmath.mpf(2) ** -17)
            # The weight must not be 0 at 0, or the error there would be unbounded.
            coefficients, error = minimax(
                function, (-reach, reach), degree, lambda r, reach=reach: r * r + reach * reach / 1000
            )
            formula = "(exp(r) - 1 - r) / r**2" if label == "TAIL" else "(2**r - 1 - r ln(2)) / r**2"
            out.comment(
                f"{formula}: degree {degree} on [-{mpmath.nstr(reach, 6)}, {mpmath.nstr(reach, 6)}], "
                f"error times r**2 2**{mpmath.nstr(mpmath.log(error, 2), 5)}"
            )
            out.floats(f"{label}_{name}", coefficients, rounded)
    for kind, rounded in (("F32", single), ("F64", double)):
        log10, log10_2 = mpmath.log(10), mpmath.log(2, 10)
        out.comment("log2(e) and log2(10); ln(2) and ln(10), each as the sum of two.")
        out.floats(f"LOG2_{kind}", [1 / log2, 1 / log10_2], rounded)
        for name, value in (("LN2", log2), ("LN10", log10)):
            out.floats(f"{name}_{kind}", [value, value - rounded(value)], rounded)
        out.comment("log10(2) rounded, and ln(2) less that times ln(10).")
        out.floats(f"LOG10_2_{kind}", [log10_2, log2 - log10 * rounded(log10_2)], rounded)


def hyperbolic_constants(out):
    def series(first):
        """Return the sum of r**(2 i) / (2 i + first)!, as a function of r**2."""
        return lambda u: mpmath.nsum(lambda i: u ** int(i) / mpmath.factorial(2 * int(i) + first), [0, 30])

    def of_tanh(u):
        """Compute (tanh(r) - r) / r**3, u = r**2, by the limit where the quotient would cancel."""
        r = mpmath.sqrt(u)
        return (mpmath.tanh(r) - r) / (u * r) if u else -mpmath.mpf(1) / 3

    degrees = {"F32_32": (1, 1, 1), "F32_8": (1, 1, 1), "F64_16": (3, 2, 3)}
    formulas = {
        "COSH": ("(cosh(r) - 1) / r**2", series(2), 2),
        "SINH": ("(sinh(r) - r) / r**3", series(3), 2),
        "TANH": ("(tanh(r) - r) / r**3", of_tanh, 4),
    }
    for name, (rounded, entries, _) in TABLES.items():
        for degree, (label, (formula, function, parts)) in zip(degrees[name], formulas.items(), strict=True):
            reach = (mpmath.log(2) / (parts * entries) * (1 + mpmath.mpf(2) ** -17)) ** 2
            coefficients, error = mpmath.chebyfit(function, [0, reach], degree + 1, error=True)
            out.comment(
                f"{formula}: degree {degree} in r**2, on [0, {mpmath.nstr(reach, 6)}], "
                f"absolute error 2**{mpmath.nstr(mpmath.log(error, 2), 5)}"
            )
            out.floats(f"{label}_{name}", coefficients[::-1], rounded)
    greatest = mpmath.ldexp(1, 1024) - mpmath.ldexp(1, 970)
    out.comment("float64: the greatest argument whose hyperbolic sine is finite, as is the cosine.")
    out.float64("DOUBLE_SINH_MAX", truncated(mpmath.asinh(greatest), 53))
    coefficients, error = mpmath.chebyfit(series(3), [0, 1], 7, error=True)
    out.comment(
        f"(sinh(x) - x) / x**3: degree 6 in x**2, on [0, 1], absolute error 2**{mpmath.nstr(mpmath.log(error, 2), 5)}"
    )
    out.floats("WIDE_SINH", coefficients[::-1], double)


def ends_of_ranges(out):
    """Write where powers begin to overflow, half an ulp above the greatest number, and to be subnormal."""
    for kind, prefix, bits, top, bottom in (
        ("float64", "DOUBLE", 53, 1024, -1022),
        ("float32", "SINGLE", 24, 128, -126),
    ):
        greatest = mpmath.ldexp(1, top) - mpmath.ldexp(1, top - bits - 1)
        least = mpmath.ldexp(1, bottom)
        out.comment(
            f"{kind}: the greatest arguments with finite powers, and the least with powers of at least 2**{bottom}."
        )
        for name, base in (("EXP", mpmath.e), ("EXP10", 10)):
            getattr(out, kind)(f"{prefix}_{name}_MAX", truncated(mpmath.log(greatest, base), bits))
            getattr(out, kind)(f"{prefix}_{name}_NORMAL", -truncated(-mpmath.log(least, base), bits))


def wide_constants(out):
    out.comment("float64, accurate phase: log2 of the bases in units of 2**-190.")
    for name, base in (("2", 2), ("E", mpmath.e), ("10", 10)):
        out.words(f"WIDE_LOG2_{name}", mpmath.log(base, 2), 190)
    half = mpmath.mpf(1) / 2

    coefficients, error = mpmath.chebyfit(exp2_quotient, [-half, half], 22, error=True)
    out.comment(
        "WIDE_EXP2, (2**f - 1) / f: degree 21 on [-0.5, 0.5], "
        f"absolute error 2**{mpmath.nstr(mpmath.log(error, 2), 5)}; in units of 2**-128."
    )
    for power, coefficient in enumerate(reversed(coefficients)):
        out.words(f"WIDE_EXP2_{power}", coefficient, 128)


def render():
    """Return the text of the constants module."""
    with mpmath.workprec(500):
        out = Writer()
        half_constants(out)
        single_constants(out)
        double_constants(out)
        logarithm_constants(out)
        hyperbolic_gradient_constants(out)
        table_constants(out)
        logarithm_tables(out)
        shared_logarithms(out)
        hyperbolic_constants(out)
        ends_of_ranges(out)
        wide_constants(out)
        wide_logarithm_constants(out)
    return "\n".join(out.lines) + "\n"


def main(arguments):
    text = render()
    if arguments == ["--check"]:
        if TARGET.read_text() != text:
            print(f"{TARGET.name} is not what derive_constants.py derives")
            return 1
        return 0
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
