"""Search for float64 arguments whose exponential lies unusually near a midpoint between two float64 numbers.

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
import numpy as np
from gmpy2 import mpfr

from numbaexp.jit import jit
from numbaexp.verify.hard_cases import TABLE, read_table

FUNCTIONS = {"exp": gmpy2.exp, "exp2": gmpy2.exp2, "exp10": gmpy2.exp10, "expm1": gmpy2.expm1}

# Finds kept of each interval: with the three below, about 1000 of each function.
KEEP = 4
# From this exponent on each binade of x is split into so many intervals, as the kernels reduce the argument there.
SPLIT_FROM, PARTS = -8, 4
# In binades of x below this exponent every result is within less than half an ulp of 1, or of x for expm1.
LEAST = -56
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

# Fraction bits of the function in ulps, in fixed point, which is updated from chunk to chunk. The function is below
# 2**108, as for expm1 1 may be so many ulps: in 2**12 chunks an error of 2**-192 in their ratio grows to 2**-72, below
# the 64 bits that count.
FRACTION = 192
# Bits of MPFR: these, the 108 before them, and some to spare.
PRECISION = 320


@jit(forceinline=False)
def _from_midpoint(i, a, b, b_low, c, step):
    """Return the signed distance in ulps from the nearest midpoint; ``a`` and ``b`` are modulo 1, times 2**64."""
    turn = i * step
    value = (a + b * i) * 2.0**-64 + i * (b_low + i * c * (1 + turn * (1 / 3 + turn * (1 / 12))))
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
def _near_midpoints(a, b, b_low, c, step, half, tolerance):
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
            alpha = _from_midpoint(r, a[k], b[k], b_low[k], c[k], step)
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
                    here = abs(_from_midpoint(start, a[k], b[k], b_low[k], c[k], step))
                    if here > near:
                        continue
                    nearest, distance = start, here
                    for stride in (-q, q):
                        i, before, value = start, math.inf, here
                        while value < before:
                            if value < distance:
                                nearest, distance = i, value
                            i += stride
                            before, value = value, abs(_from_midpoint(i, a[k], b[k], b_low[k], c[k], step))
                    if distance <= tolerance:
                        found.append((k, nearest, distance))
    return found


def _ulp_exponent(result: mpfr) -> int:
    return max(gmpy2.get_exp(result) - 53, -1074)


def closeness(function: str, x: float) -> float:
    """Return ``-log2`` of the distance in ulps of ``function(x)`` from the nearest midpoint, which may be infinite."""
    with gmpy2.context(precision=PRECISION):
        result = FUNCTIONS[function](mpfr(x))
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
        exponential = gmpy2.exp if function == "expm1" else FUNCTIONS[function]
        exact_step = gmpy2.log(exponential(mpfr(1))) * math.copysign(math.ldexp(1, exponent), x)
        ulp = _ulp_exponent(FUNCTIONS[function](mpfr(x)))
        # All below is in units of this ulp; a number of arguments times the step is a difference of exponents.
        at_first = exponential(mpfr(x)) * gmpy2.exp2(-ulp)
        step, curvature = float(exact_step), float(at_first * exact_step**2 / 2)
        # The cubic term is i * step / 3 of the quadratic one, and half of the remainder; higher terms have the rest.
        by_remainder = (REMAINDER * 1.5 / (curvature * abs(step))) ** (1 / 3)
        half = int(min(by_remainder, math.sqrt(QUADRATIC / curvature), LONGEST))
        half = max(min(half, count // 2), 1)
        chunks = min(-(-count // (2 * half)), CHUNKS, int(STEPS / math.sqrt(2 * half)) + 1)

        fixed = gmpy2.exp2(FRACTION)
        value = int(at_first * gmpy2.exp(half * exact_step) * fixed)
        ratio, derivative = int(gmpy2.exp(2 * half * exact_step) * fixed), int(exact_step * fixed)
        origin = int(gmpy2.exp2(-ulp) * fixed) if function == "expm1" else 0
    values, slopes, low_slopes = [], [], []
    for _ in range(chunks):
        bits = (abs(value - origin) >> FRACTION).bit_length()
        if bits > 53 or (bits < 53 and ulp > -1074):
            break
        slope = value * derivative >> FRACTION
        values.append(((value - origin >> FRACTION - 64) + 2**63) % 2**64)
        slopes.append((slope >> FRACTION - 64) % 2**64)
        low_slopes.append(slope % 2 ** (FRACTION - 64))
        value = value * ratio >> FRACTION
    a, b = np.array(values, np.uint64).view(np.int64), np.array(slopes, np.uint64).view(np.int64)
    b_low = np.array(low_slopes, np.float64) * 2.0**-FRACTION
    c = curvature * np.exp(step * half * (2.0 * np.arange(a.size) + 1))
    finds = []
    for k, i, distance in _near_midpoints(a, b, b_low, c, step, half, tolerance):
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


def intervals(function: str) -> Iterator[Interval]:
    """Yield the domain of a function: binades of x or parts of them, and for subnormal results binades of these."""
    # The difference of arguments that doubles the exponential.
    binade = 1 / math.log2({"exp": math.e, "exp2": 2, "exp10": 10, "expm1": math.e}[function])
    # Beyond this many binades results are subnormal, or for expm1 within less than half an ulp, 2**-54, of -1.
    lowest = 55 if function == "expm1" else 1022
    for sign, end in ((1, 1024 * binade), (-1, lowest * binade)):
        edges = [2.0**e for e in range(LEAST, SPLIT_FROM)]
        edges += [2.0**e * (1 + part / PARTS) for e in range(SPLIT_FROM, 11) for part in range(PARTS)]
        edges = [edge for edge in edges if edge < end] + [end]
        for low, high in itertools.pairwise(edges):
            yield Interval(sign, _bits(low), _bits(high))
    if function != "expm1":
        for e in range(lowest, 1075):
            yield Interval(-1, _bits(e * binade), _bits((e + 1) * binade))


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
