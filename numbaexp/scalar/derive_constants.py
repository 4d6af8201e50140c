"""Derive the constants of the scalars and write them to ``constants.py``.

``python -m numbaexp.scalar.derive_constants`` writes the file; with ``--check`` it compares and exits 1 where the file
differs. mpmath (extra ``test``) does the arithmetic with 500 bits.
"""

import math
import pathlib
import sys

import mpmath

TARGET = pathlib.Path(__file__).with_name("constants.py")

HEADER = '''"""Constants of the scalars. Written by ``derive_constants.py``; do not edit.

Each polynomial interpolates its function in the Chebyshev points, which is the minimax one but for a hair; its comment
states the interval and the absolute error before the coefficients are rounded to the type that evaluates them.
"""

from typing import NamedTuple

import numpy as np


def words(*values):
    """Return an integer of several 64-bit words, the highest first."""
    return tuple(np.uint64(value) for value in values)


def floats(text):
    """Parse hexadecimal floats."""
    return tuple(map(float.fromhex, text.split()))


class Roots(NamedTuple):
    """Hold powers of two with fractional exponents.

    rounded : R, of powers P; logs, rests : log(P/R) and P/R - 1; slopes : S, R ln(2) rounded; slope_rests :
    (P ln(2) - S) / R.
    """

    rounded: tuple[float, ...]
    logs: tuple[float, ...]
    rests: tuple[float, ...]
    slopes: tuple[float, ...]
    slope_rests: tuple[float, ...]


class Logs(NamedTuple):
    """Hold logarithms of short numbers near 1/m, 1 <= m < 2, of which the number n of m's cell, m ``cells`` rounded,
    modulo the number of entries, is the index.

    inverses : R. logs : -log(R), rounded to a multiple of 2**-43, of float32 2**-17; rests : -log(R) less that. ln2 :
        the same two, of 2.
    """

    cells: float
    inverses: tuple[float, ...]
    logs: tuple[float, ...]
    rests: tuple[float, ...]
    ln2: tuple[float, float]
'''


def single(value):
    """Round an exact value once, to the nearest float32."""
    with mpmath.workprec(24):
        return float(+value)


def double(value):
    """Round an exact value to the nearest float64."""
    with mpmath.workprec(53):
        return float(+value)


def truncated(value, bits):
    """Truncate an exact value to a number of significant bits."""
    mantissa, exponent = mpmath.frexp(value)
    return mpmath.ldexp(mpmath.floor(mpmath.ldexp(mantissa, bits)), int(exponent) - bits)


def float_texts(values, rounded, indentation=0):
    """Return the expression of several numbers, four in a line."""
    texts = [rounded(value).hex() for value in values]
    if len(texts) <= 4:
        return f'floats("{" ".join(texts)}")'
    margin = "\n" + " " * indentation
    rows = [f'{margin}    "{" ".join([*texts[i : i + 4], ""])}"' for i in range(0, len(texts), 4)]
    return f"floats({''.join(rows)}{margin})"


class Writer:
    """Collect the lines of the constants module."""

    def __init__(self):
        self.lines = [HEADER]

    def comment(self, text):
        self.lines.append(f"\n# {text}")

    def float64(self, name, value):
        self.lines.append(f'{name} = float.fromhex("{double(value).hex()}")')

    def float32(self, name, value):
        self.lines.append(f'{name} = np.float32(float.fromhex("{single(value).hex()}"))')

    def words(self, name, value, bits):
        """Write a value in units of 2**-bits, as a tuple of 64-bit words with the highest first."""
        integer = int(mpmath.nint(mpmath.ldexp(value, bits)))
        parts = [integer >> 64 * i & (2**64 - 1) for i in reversed(range(-(-bits // 64)))]
        words = ", ".join(f"0x{part:016X}" for part in parts)
        self.lines.append(f"{name} = words({words})")

    def floats(self, name, values, rounded):
        """Write several numbers, as Python's floats: ``rounded`` is ``single`` or ``double``."""
        self.lines.append(f"{name} = {float_texts(values, rounded)}")

    def polynomial(self, name, function, interval, degree, kind, exact_first=False):
        """Write coefficients of ``function`` from the constant term up, under names ``NAME_0``, ``NAME_1``, ..."""
        low, high = interval
        coefficients, error = mpmath.chebyfit(function, [low, high], degree + 1, error=True)
        self.comment(
            f"{name}: degree {degree} on [{mpmath.nstr(low, 6)}, {mpmath.nstr(high, 6)}], "
            f"absolute error 2**{mpmath.nstr(mpmath.log(error, 2), 5)}"
        )
        if exact_first:
            coefficients[-1] = mpmath.mpf(1)
        for power, coefficient in enumerate(reversed(coefficients)):
            getattr(self, kind)(f"{name}_{power}", coefficient)


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


def logarithm_constants(out):
    def tail(u):
        """Compute (atanh(s) / s - 1) / s**2, u = s**2, by its series."""
        return mpmath.nsum(lambda i: u ** int(i) / (2 * int(i) + 3), [0, 200])

    out.polynomial("DOUBLE_ATANH", tail, (0, mpmath.mpf(1) / 9), 10, "float64")


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


def minimax(function, interval, degree, weight):
    """Return (coefficients, error) of the minimax polynomial on an interval, with errors times a weight that is nowhere
    0, by Remez' exchange on a grid."""
    size = degree + 2
    middle, reach = sum(interval) / 2, (interval[1] - interval[0]) / 2
    points = [middle - reach * mpmath.cos(mpmath.pi * (2 * i + 1) / (2 * size)) for i in range(size)]
    grid = [middle + reach * mpmath.mpf(i) / 400 for i in range(-400, 401)]

    for _ in range(10):
        rows = [[*(x**power for power in range(degree + 1)), (-1) ** i / weight(x)] for i, x in enumerate(points)]
        values = mpmath.matrix([function(x) for x in points])
        coefficients = list(mpmath.lu_solve(mpmath.matrix(rows), values))[: degree + 1]
        errors = [(mpmath.polyval(coefficients[::-1], x) - function(x)) * weight(x) for x in grid]
        extremes: list = []
        for x, error in zip(grid, errors, strict=True):
            if extremes and mpmath.sign(extremes[-1][1]) == mpmath.sign(error):
                extremes[-1] = max(extremes[-1], (x, error), key=lambda pair: abs(pair[1]))
            else:
                extremes.append((x, error))
        while len(extremes) > size:
            extremes.pop(0 if abs(extremes[0][1]) < abs(extremes[-1][1]) else -1)
        points = [x for x, _ in extremes]
    return coefficients, max(map(abs, errors))


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


def points_of_logarithms(entries):
    """Return float32 points p just below multiples of 1/(N-1), and float32 numbers near 1 / (1 + p).

    The error of the latter changes log(1 + e), e near p, by less than 2**-41 of it."""
    points, inverses = [0.0], [1.0]
    for j in range(1, entries):
        point = single(mpmath.mpf(j) / (entries - 1))
        unit = math.ulp(point) * 2.0**29
        bound = 2.0**-41 * math.log1p(point) * 2 * (entries - 1)
        # The factors have 24 and 25 bits: the product is exact in float64.
        while abs((inverse := single(1 / mpmath.mpf(1 + point))) * (1 + point) - 1) > bound:
            point -= unit
        points.append(point)
        inverses.append(inverse)
    return points, inverses


def logarithm_tables(out):
    def cube(z):
        """Compute (log(1 + z) - z + z**2 / 2) / z**3, by its series."""
        return mpmath.nsum(lambda i: (-z) ** int(i) / (int(i) + 3), [0, 60])

    for name, entries, degree in (("F32_32", 32, 3), ("F32_8", 8, 4)):
        points, inverses = points_of_logarithms(entries)
        logs = [mpmath.log1p(point) for point in points]
        out.comment(f"Points near j/{entries - 1}, inverses of 1 more, and the logarithms of that as sums of two.")
        out.floats(f"POINTS_{name}", points, single)
        out.floats(f"INVERSES_{name}", inverses, single)
        out.floats(f"POINT_LOGS_{name}", logs, single)
        out.floats(f"POINT_LOGS_LOW_{name}", [log - single(log) for log in logs], single)
        reach = mpmath.mpf(1) / (2 * entries - 2) * (1 + mpmath.mpf(2) ** -8)
        coefficients, error = mpmath.chebyfit(cube, [-reach, reach], degree + 1, error=True)
        interval = f"[-{mpmath.nstr(reach, 6)}, {mpmath.nstr(reach, 6)}]"
        out.comment(
            f"(log(1 + z) - z + z**2 / 2) / z**3: degree {degree} on {interval}, "
            f"absolute error 2**{mpmath.nstr(mpmath.log(error, 2), 5)}"
        )
        out.floats(f"CUBE_{name}", coefficients[::-1], single)


def short_inverses(cells, entries, most_bits):
    """Return, by the index of a cell, short numbers R near 1/m, with at most so many bits of a fraction.

    With s bits, the reduced argument m R - 1 is exact below 2**(1-s); of such R each cell has the one for which the
    greatest is least. The first and the last cell have 1 and 1/2, for logarithms near 0 to have small relative errors.
    """
    short = [(numerator / 2**bits, bits) for bits in range(most_bits + 1) for numerator in range(2**bits + 1)]
    inverses = []
    for n in range(entries, 2 * entries - 2):
        ends = (n - 0.5) / cells, (n + 0.5) / cells
        reaches = [(max(abs(end * inverse - 1) for end in ends), inverse, bits) for inverse, bits in short]
        inverses.append(min((reach, inverse) for reach, inverse, bits in reaches if reach <= 2.0 ** (1 - bits))[1])
    return [*inverses, 0.5, 1.0]


def log_table(out, name, rounded, cells, entries, degree, bits, places, weight):
    """Write a table of logarithms, with inverses of at most so many bits of a fraction and logarithms on a grid of so
    many places, and its polynomial; return the interval of that."""

    def tail(r):
        """Compute (log(1 + r) - r + r**2 / 2) / r**3, by its series."""
        return mpmath.fsum((-r) ** i / (i + 3) for i in range(90))

    def parts(value):
        multiple = mpmath.ldexp(mpmath.nint(mpmath.ldexp(value, places)), -places)
        return multiple, value - multiple

    cells = rounded(mpmath.mpf(cells))
    inverses = short_inverses(cells, entries, bits)
    logs, rests = zip(*(parts(-mpmath.log(inverse)) for inverse in inverses), strict=True)
    out.comment("Short numbers near 1/m, and their logarithms.")
    out.lines.append(f'LOGS_{name} = Logs(\n    float.fromhex("{cells.hex()}"),')
    for values in (inverses, logs, rests, parts(mpmath.log(2))):
        out.lines.append(f"    {float_texts(values, double, indentation=4)},")
    out.lines.append(")")
    ends = [
        (min(2.0, max(1.0, (n + side) / cells)) * inverses[n % entries] - 1)
        for n in range(entries - 1, 2 * entries - 1)
        for side in (-0.5, 0.5)
    ]
    reach = (mpmath.mpf(min(ends)), mpmath.mpf(max(ends)))
    coefficients, error = minimax(tail, reach, degree, weight)
    out.comment(
        f"(log(1 + r) - r + r**2 / 2) / r**3: degree {degree} on [{mpmath.nstr(reach[0], 6)}, "
        f"{mpmath.nstr(reach[1], 6)}], error times its weight 2**{mpmath.nstr(mpmath.log(error, 2), 5)}"
    )
    out.floats(f"LOG_TAIL_{name.removesuffix('_16')}", coefficients, rounded)
    return reach


def shared_logarithms(out):
    def weight(r):
        """Return the part that an error of q has in the relative one of a logarithm: r**2 near 1, where r is within
        these ends, and else less. The weight must not be 0 at 0."""
        return r * r * (1 if -0.0295 < r < 0.0356 else 0.3) + mpmath.mpf(2) ** -20

    def weight_in_single(r):
        return r * r + mpmath.mpf(2) ** -20

    reach = log_table(out, "F64_16", double, 14.97, 16, 8, 6, 43, weight)
    ln2 = mpmath.log(2)

    def middle_tail(r):
        """Compute (log(1 + r) - r + r**2 / 2 - r**3 / 3 + r**4 / 4) / r**5 likewise."""
        return mpmath.fsum((-r) ** i / (i + 5) for i in range(90))

    coefficients, error = mpmath.chebyfit(middle_tail, reach, 10, error=True)
    out.comment(
        "(log(1 + r) - r + r**2 / 2 - r**3 / 3 + r**4 / 4) / r**5: degree 9 on this interval, "
        f"absolute error 2**{mpmath.nstr(mpmath.log(error, 2), 5)}"
    )
    out.floats("MIDDLE_LOG_TAIL", coefficients[::-1], double)
    out.comment("1/3 as the sum of two.")
    third = mpmath.mpf(1) / 3
    out.floats("THIRD", [third, third - double(third)], double)
    out.comment("log2(e) and log10(e), each as the sum of two.")
    for name, value in (("LOG2_E", 1 / ln2), ("LOG10_E", 1 / mpmath.log(10))):
        for kind, rounded in (("F64", double), ("F32", single)):
            out.floats(f"{name}_{kind}", [value, value - rounded(value)], rounded)
    log_table(out, "F32_32", single, 30.93, 32, 3, 9, 17, weight_in_single)
    log_table(out, "F32_8", single, 7.03, 8, 4, 6, 17, weight_in_single)


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


def wide_logarithm_constants(out):
    out.comment("float64, accurate phase of logarithms, in units of 2**-192; log10(e) and log2(e) in units of 2**-128.")
    out.words("WIDE_LN2", mpmath.log(2), 192)
    out.words("WIDE_TWICE_LOG10_2", 2 * mpmath.log10(2), 192)
    out.words("WIDE_TWICE_LOG10_E", 2 * mpmath.log10(mpmath.e), 128)
    out.words("WIDE_HALF_LOG2_E", 1 / mpmath.log(2) / 2, 128)
    out.polynomial(
        "WIDE_SEED",
        lambda z: mpmath.atanh(mpmath.sqrt(z)) / mpmath.sqrt(z) if z else mpmath.mpf(1),
        (mpmath.mpf(0), (3 - 2 * mpmath.sqrt(2)) ** 2),
        5,
        "float64",
    )
    out.comment("Coefficients of log(1 + x), sinh(x) and tanh(x), in units of 2**-192.")
    for power in range(2, 7):
        out.words(f"WIDE_LOG1P_{power}", mpmath.mpf(1) / power, 192)
    for power in (3, 5, 7):
        out.words(f"WIDE_SINH_{power}", 1 / mpmath.factorial(power), 192)
    for power, numerator, denominator in ((3, 1, 3), (5, 2, 15), (7, 17, 315)):
        out.words(f"WIDE_TANH_{power}", mpmath.mpf(numerator) / denominator, 192)


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
