"""The constants of the logarithms, for ``derive_constants.py``."""

import math

import mpmath

from numbaexp.scalar.constants_writer import double, float_texts, minimax, single


def logarithm_constants(out):
    def tail(u):
        """Compute (atanh(s) / s - 1) / s**2, u = s**2, by its series."""
        return mpmath.nsum(lambda i: u ** int(i) / (2 * int(i) + 3), [0, 200])

    out.polynomial("DOUBLE_ATANH", tail, (0, mpmath.mpf(1) / 9), 10, "float64")


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
