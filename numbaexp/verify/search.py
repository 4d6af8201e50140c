"""Search for float64 arguments whose result lies unusually near a midpoint between two float64 numbers.

Run as ``python -m numbaexp.verify.search``: its finds join those of earlier runs in ``hard_cases.csv``.

Over a chunk of consecutive arguments, numbered ``i`` from the middle, the function in units of the result's ulp is
``a + b*i + c*i**2`` and smaller terms; counted from a midpoint and modulo 1, it is 0 at every midpoint. With the
denominator ``q`` of a convergent of ``b`` for a stride, ``b*q`` is nearly an integer, so that the function changes
slowly along ``i = r + q*j``, and for each ``r`` its few zeros are roots of quadratics in ``j``. So a chunk of ``n``
arguments takes about ``sqrt(n)`` steps. The finds are then measured with MPFR.
"""

import argparse
import csv
import itertools
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import gmpy2

# What follows the import of Numba imports ``numbaexp.jit``, which must not be what imports Numba.
import numba  # noqa: F401
import numpy as np
from gmpy2 import mpfr

from numbaexp.jit import jit
from numbaexp.verify.hard_cases import TABLE, read_table
from numbaexp.verify.taylor import FUNCTIONS

# Finds kept of each interval: with those below, 250 to 1100 of each function.
KEEP = 4
# From this exponent on each binade of x is split into so many intervals, as the kernels reduce the argument there.
SPLIT_FROM, PARTS = -8, 4
# In binades of x below this exponent every result is within less than half an ulp of 1, or of x.
LEAST = {"sinh": -27, "cosh": -27, "tanh": -27}
LEAST_OF_OTHERS = -56
# Where sinh and cosh overflow, and where tanh is within half an ulp of 1.
ENDS = {"sinh": 710.4758600739439, "cosh": 710.4758600739439, "tanh": 19.07}
# So many binades of x make an interval where logarithms grow slowly. Arguments of logarithms that differ from 1, those
# of log1p from -1, by less than this power of two make one as well, as chunks are short there, and arguments few.
BINADES, NEAREST = 16, -16
# Runs from random arguments that add up to so many times an interval have left out e**-16 of it.
EXHAUSTED = 16

# An argument is a find within this distance from a midpoint, in ulps.
TOLERANCE = 2.0**-33
# Bound for the quadratic term in ulps: with more, a stride crosses 0 more often, which takes longer per argument.
QUADRATIC = 1.0
# Bound for the remainder of the quadratic in ulps: roots are examined where the function is within 4 times this of a
# midpoint, which is seldom. For normal results the chunk is then about as long as the quadratic term allows.
REMAINDER = 2.0**-28
# Half of the longest chunk, where float64 represents the roots to a small part of an argument.
LONGEST = 2**46
# Approximate steps and chunks of one run, of a few hundredths of a second.
STEPS, CHUNKS = 2**21, 4096

# Bits of MPFR: the function is below 2**108 ulps, as for expm1 1 may be so many, 64 bits below one count, and some are
# to spare.
PRECISION = 320


@jit(forceinline=False)
def _from_midpoint(i, a, b, b_low, c, d, e):
    """Return the signed distance in ulps from the nearest midpoint; ``a`` and ``b`` are modulo 1, times 2**64."""
    value = (a + b * i) * 2.0**-64 + i * (b_low + i * (c + i * (d + i * e)))
    return value - np.rint(value)


@jit(forceinline=False)
def _stride(b, largest):
    """Return the largest denominator, up to a given one, of the convergents of ``b / 2**64``."""
    # Both are halved, as 2**64 is out of range: the lost bit affects denominators near 2**31 alone.
    whole, part = np.int64(2**63 - 1), abs(b >> 1)
    before, q = np.int64(0), np.int64(1)
    while part > 0 and whole // part <= largest:
        following = before + whole // part * q
        if following > largest:
            break
        before, q = q, following
        whole, part = part, whole % part
    return q


@jit(forceinline=False)
def _near_midpoints(a, b, b_low, c, d, e, half, tolerance):
    """Return triples (chunk, i, distance) of the arguments within the tolerance, ``abs(i)`` up to ``half``.

    None is missed, but of neighbours along a stride that are all within ``4*t``, where ``t`` is the tolerance plus the
    remainder, only the nearest is returned. Let the quadratic be ``(j-u)*(j-v)`` times gamma, within ``t`` of 0 at an
    integer ``j`` that is nearer ``u`` than ``v``. For the integer ``n`` nearest ``u``, ``abs(n-u) <= abs(j-u)`` and so
    ``abs(n-v) <= 3*abs(j-v)``: the function is within ``4*t`` there and between, and descends from ``n`` to ``j`` or a
    nearer neighbour. If there are no roots, this holds of the vertex.
    """
    near = 4 * (tolerance + REMAINDER)
    largest = np.int64(math.sqrt(2 * half))
    found = [(0, 0, 0.0) for _ in range(0)]
    for k in range(a.size):
        q = _stride(b[k], largest)
        slope = (b[k] * q) * 2.0**-64 + q * b_low[k]
        gamma = c[k] * q * q
        last = half // q + 2
        for r in range(q):
            alpha = _from_midpoint(r, a[k], b[k], b_low[k], c[k], d[k], e[k])
            beta = slope + 2 * c[k] * q * r
            vertex = min(max(-beta / (2 * gamma), -last), last)
            lowest = alpha + vertex * (beta + vertex * gamma)
            highest = alpha + last * (abs(beta) + last * gamma)
            for midpoint in range(math.ceil(lowest - near), math.floor(highest + near) + 1):
                level = alpha - midpoint
                # Without cancellation: one root is both / gamma, the other level / both.
                both = -0.5 * (beta + math.copysign(math.sqrt(max(beta * beta - 4 * gamma * level, 0.0)), beta))
                for root in (level / both, both / gamma):
                    if not abs(root) <= last:
                        continue
                    start = r + q * np.int64(np.rint(root))
                    here = abs(_from_midpoint(start, a[k], b[k], b_low[k], c[k], d[k], e[k]))
                    if here > near:
                        continue
                    nearest, distance = start, here
                    for stride in (-q, q):
                        i, before, value = start, math.inf, here
                        while value < before:
                            if value < distance:
                                nearest, distance = i, value
                            i += stride
                            before, value = value, abs(_from_midpoint(i, a[k], b[k], b_low[k], c[k], d[k], e[k]))
                    if distance <= tolerance:
                        found.append((k, nearest, distance))
    return found


def _ulp_exponent(result: mpfr) -> int:
    return max(gmpy2.get_exp(result) - 53, -1074)


def closeness(function: str, x: float) -> float:
    """Return ``-log2`` of the distance in ulps of ``function(x)`` from the nearest midpoint, which may be infinite."""
    with gmpy2.context(precision=PRECISION):
        result = FUNCTIONS[function](mpfr(x))[0]
        ulps = result * gmpy2.exp2(-_ulp_exponent(result))
        distance = abs(ulps - gmpy2.floor(ulps) - 0.5)
        return float(-gmpy2.log2(distance)) if distance else math.inf


def search_run(function: str, x: float, count: int, tolerance: float) -> tuple[list[tuple[float, float]], int]:
    """Search consecutive arguments.

    Parameters
    ----------
    function : str
        Key of `FUNCTIONS`.
    x : float
        The first argument; the others are farther from 0.
    count : int
        The number of arguments. The run ends earlier where the binade of x or of the result does, or after about
        `STEPS`.
    tolerance : float
        The distance from a midpoint, in ulps, within which an argument is a find.

    Returns
    -------
    finds : list of (distance, x)
        The arguments found; of neighbours that are all finds, only the nearest. The distances are good to some 2**-50,
        and wrong where the binade of the result ends.
    searched : int
        The number of arguments searched.
    """
    significand, exponent = math.frexp(abs(x))
    first, exponent = int(math.ldexp(significand, 53)), exponent - 53
    count = min(count, 2**53 - first)
    with gmpy2.context(precision=PRECISION):
        step = gmpy2.copy_sign(gmpy2.exp2(exponent), mpfr(x))
        value, *coefficients = FUNCTIONS[function](mpfr(x))
        ulp = _ulp_exponent(value)
        # All below is in units of this ulp.
        curvature, third = (abs(float(coefficients[k] * step ** (k + 1) * gmpy2.exp2(-ulp))) for k in (1, 2))
        # The cubic term is half of the remainder, and not all of it within a run; higher terms have the rest.
        by_remainder = (REMAINDER / 2 / third) ** (1 / 3)
        half = int(min(by_remainder, math.sqrt(QUADRATIC / curvature), LONGEST))
        half = max(min(half, count // 2), 1)
        while half > 1 and _ulp_exponent(FUNCTIONS[function]((first + 2 * half) * step)[0]) != ulp:
            half //= 2
        chunks = min(-(-count // (2 * half)), CHUNKS, int(STEPS / math.sqrt(2 * half)) + 1)

        fixed = gmpy2.exp2(64)
        # The quadratic term is made positive.
        scale = gmpy2.copy_sign(gmpy2.exp2(-ulp), coefficients[1])
        values, slopes, low_slopes, higher = [], [], [], []
        for k in range(chunks):
            series = FUNCTIONS[function]((first + (2 * k + 1) * half) * step)
            if _ulp_exponent(series[0]) != ulp:
                break
            value, slope, *others = (each * step**n * scale for n, each in enumerate(series))
            if abs(others[1]) * half**3 > 0.75 * REMAINDER:
                break
            values.append((int(gmpy2.floor(value * fixed)) + 2**63) % 2**64)
            whole = int(gmpy2.floor(slope * fixed))
            slopes.append(whole % 2**64)
            low_slopes.append(float(slope - whole / fixed))
            higher.append([float(each) for each in others])
    a, b = np.array(values, np.uint64).view(np.int64), np.array(slopes, np.uint64).view(np.int64)
    c, d, e = np.array(higher).reshape(-1, 3).T.copy()
    finds = []
    for k, i, distance in _near_midpoints(a, b, np.array(low_slopes), c, d, e, half, tolerance):
        index = (2 * k + 1) * half + i
        if 0 <= index < count:
            finds.append((distance, math.copysign(math.ldexp(first + index, exponent), x)))
    return finds, min(count, 2 * half * a.size)


def _bits(x: float) -> int:
    return int(np.float64(x).view(np.int64))


@dataclass
class Interval:
    """Search the float64 numbers of one sign whose magnitudes have the bit patterns in ``range(first, stop)``."""

    sign: int
    first: int
    stop: int
    finds: dict[float, float] = field(default_factory=dict)
    searched: int = 0
    to_the_end: bool = False

    def __contains__(self, x: float) -> bool:
        return math.copysign(1, x) == self.sign and self.first <= _bits(abs(x)) < self.stop

    def poorest(self) -> float:
        """Return the closeness that another find must exceed; infinite if no other is to be expected."""
        if len(self.finds) == KEEP:
            return min(self.finds.values())
        return math.inf if self.searched >= EXHAUSTED * (self.stop - self.first) else -math.log2(TOLERANCE)

    def add(self, finds: dict[float, float]) -> None:
        """Keep the closest of these and the known finds."""
        self.finds = dict(sorted({**self.finds, **finds}.items(), key=lambda find: find[1])[-KEEP:])

    def search(self, function: str, rng: np.random.Generator) -> None:
        """Search from a random argument on, or from the beginning if the last run came to the end."""
        start = self.first if self.to_the_end else int(rng.integers(self.first, self.stop))
        x = self.sign * float(np.int64(start).view(np.float64))
        finds, searched = search_run(function, x, self.stop - start, 2 ** -self.poorest())
        self.add({x: closeness(function, x) for _, x in sorted(finds)[:KEEP]})
        self.searched += searched
        self.to_the_end = searched == self.stop - start


def _magnitudes(function: str, end: float) -> list[float]:
    """Return the borders between intervals of magnitudes of x below some end: binades or parts of them."""
    edges = [2.0**e for e in range(LEAST.get(function, LEAST_OF_OTHERS), SPLIT_FROM)]
    edges += [2.0**e * (1 + part / PARTS) for e in range(SPLIT_FROM, 11) for part in range(PARTS)]
    return [*(edge for edge in edges if edge < end), end]


def _great_magnitudes(least: int) -> list[float]:
    """Return the borders between intervals of many binades, where logarithms change little from one to the next."""
    return [*(2.0**e for e in range(least, 1024, BINADES)), math.inf]


def _edges(function: str) -> Iterator[tuple[int, list[float]]]:
    """Yield signs of x, and borders between intervals of magnitudes."""
    if function in ("log", "log2", "log10"):
        yield 1, [2.0**e for e in range(-1022, 0, BINADES)] + [0.5]
        yield 1, [1 - 2.0**e for e in range(-1, NEAREST - 1, -1)] + [1.0]
        yield 1, [1 + 2.0**-52] + [1 + 2.0**e for e in range(NEAREST, 1)]
        yield 1, _great_magnitudes(1)
    elif function == "log1p":
        yield 1, _magnitudes(function, 2.0)
        yield 1, _great_magnitudes(1)
        yield -1, _magnitudes(function, 0.5)
        yield -1, [1 - 2.0**e for e in range(-1, NEAREST - 1, -1)] + [1.0]
    elif function in ENDS:
        yield 1, _magnitudes(function, ENDS[function])
    else:
        # The difference of arguments that doubles the exponential.
        binade = 1 / math.log2({"exp": math.e, "exp2": 2, "exp10": 10, "expm1": math.e}[function])
        # Beyond this many binades results are subnormal, or for expm1 within less than half an ulp, 2**-54, of -1.
        lowest = 55 if function == "expm1" else 1022
        yield 1, _magnitudes(function, 1024 * binade)
        yield -1, _magnitudes(function, lowest * binade)
        if function != "expm1":
            yield -1, [e * binade for e in range(lowest, 1076)]


def intervals(function: str) -> Iterator[Interval]:
    """Yield the domain of a function, or one sign of x where that of the result is its sign or none: intervals of x,
    and for subnormal results their binades."""
    for sign, edges in _edges(function):
        for low, high in itertools.pairwise(edges):
            yield Interval(sign, _bits(low), _bits(high))


def search(function: str, parts: list[Interval], seconds: float, rng: np.random.Generator) -> None:
    """Search for some seconds, always in the interval whose poorest find is poorest."""
    start = report = time.monotonic()
    while (now := time.monotonic()) < start + seconds:
        part = min(parts, key=Interval.poorest)
        part.search(function, rng)
        if now >= report:
            finds = [bits for part in parts for bits in part.finds.values()]
            progress = f"{len(finds)} finds, {min(finds, default=0):.1f} to {max(finds, default=0):.1f} bits"
            print(f"{function}: {now - start:.0f} s, {progress}", file=sys.stderr)
            report += 5


def main() -> None:
    """Search, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("function", nargs="*", metavar="FUNCTION", help=f"of {', '.join(FUNCTIONS)}: all by default")
    parser.add_argument("--seconds", type=float, default=60, help="for each function (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="of the random arguments (default: another one each time)")
    arguments = parser.parse_args()
    if unknown := set(arguments.function) - FUNCTIONS.keys():
        parser.error(f"no such function: {', '.join(sorted(unknown))}")
    rng = np.random.default_rng(arguments.seed)

    known = {function: read_table(function) for function in FUNCTIONS}
    try:
        for function in arguments.function or FUNCTIONS:
            parts = list(intervals(function))
            for part in parts:
                part.add({x: bits for x, bits in known[function].items() if x in part})
            try:
                search(function, parts, arguments.seconds, rng)
            finally:
                known[function] = {x: bits for part in parts for x, bits in part.finds.items()}
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    with TABLE.open("w", newline="", encoding="ascii") as lines:
        table = csv.writer(lines, lineterminator="\n")
        table.writerow(["function", "x", "bits"])
        for function, finds in known.items():
            table.writerows([function, x.hex(), f"{bits:.1f}"] for x, bits in sorted(finds.items()))


if __name__ == "__main__":
    main()
