"""The softmax family of longdouble and complex numbers, by formulas over NumPy's own functions.

All take two-dimensional contiguous arrays, whose rows they go along.
"""

import numpy as np

from numbaexp.cpu.formulas import log1p


def _exponentials(x):
    """Return the index of the greatest element (of complex ones, by the real part first), that element, what each
    element is more than that, the rounding error of that, and the exponential, in which the error is made good."""
    at = np.argmax(x, -1)[:, None]
    top = np.take_along_axis(x, at, -1)
    more = x - top
    part = more - x
    error = (x - (more - part)) - (top + part)
    error = np.where(np.isfinite(error), error, 0)
    power = np.exp(more)
    return at, top, more, error, power + power * error


def _sum_of_others(power, at):
    """Return the sum of each row without the element at an index."""
    others = power.copy()
    np.put_along_axis(others, at, 0, -1)
    return others.sum(-1, keepdims=True)


def softmax(x):
    *_, power = _exponentials(x)
    return power / power.sum(-1, keepdims=True)


def log_softmax(x):
    at, _, more, error, power = _exponentials(x)
    return more - (_logarithm_of_sum(power, at) - error)


def _logarithm_of_sum(power, at):
    # The greatest power is 1, unless the row has no greatest one.
    of_greatest = np.take_along_axis(power, at, -1)
    return log1p(_sum_of_others(power, at) + (of_greatest - 1))


def logsumexp(a, b=None, return_sign=False):
    """Return the logarithm of the sum; or that of the magnitude, and the sign, which is a phase of complex numbers."""
    if b is not None:
        a = np.where(b == 0, -np.inf, a)
    at, top, _, _, power = _exponentials(a)
    factor = np.ones_like(top)
    if b is not None:
        factor = np.take_along_axis(b, at, -1)
        power = np.where(b == 0, 0, b / factor * power)
    logarithm, sign = (_of_complex_sum if a.dtype.kind == "c" else _of_real_sum)(
        a, b, top, factor, _sum_of_others(power, at)
    )
    if b is not None:
        refused = ~np.isfinite(b).all(-1, keepdims=True)
        logarithm, sign = np.where(refused, np.nan, logarithm), np.where(refused, np.nan, sign)
    if return_sign:
        return logarithm.real, sign
    return logarithm if a.dtype.kind == "c" else np.where(sign < 0, np.nan, logarithm)


def _of_real_sum(a, b, top, factor, others):
    """Return logarithm and sign of ``factor * exp(top) * (1 + others)``; of an infinite sum those of the sum itself."""
    of_rest = np.log1p(np.where(others < -1, -2 - others, others))
    logarithm = top + (np.log(np.abs(factor)) + of_rest)
    sign = np.sign(1 + others) * np.sign(factor)
    total, infinite = _plain_sum(a, b), ~np.isfinite(top)
    return np.where(infinite, np.log(np.abs(total)), logarithm), np.where(infinite, np.sign(total), sign)


def _of_complex_sum(a, b, top, factor, others):
    """Return the same of complex numbers: the principal value, and the phase."""
    logarithm = top + (np.log(factor) + log1p(others))
    scaled = (1 + others) * (factor / np.abs(factor)) * np.exp(1j * top.imag)
    total, infinite = _plain_sum(a, b), ~np.isfinite(top)
    logarithm, scaled = np.where(infinite, np.log(total), logarithm), np.where(infinite, total, scaled)
    size = np.abs(scaled)
    phase = np.where(size == 0, 0, scaled / size)
    is_principal = (np.abs(logarithm.imag) <= np.pi) & (size != 0)
    logarithm.imag = np.where(is_principal, logarithm.imag, np.angle(phase))
    return logarithm, phase


def _plain_sum(a, b):
    power = np.exp(a)
    return (power if b is None else np.where(b == 0, 0, b * power)).sum(-1, keepdims=True)


def softmax_backward(grad, output):
    return (grad - (grad * output).sum(-1, keepdims=True)) * output


def log_softmax_backward(grad, output):
    return grad - np.exp(output) * grad.sum(-1, keepdims=True)


def logsumexp_backward(grad, x):
    return np.where(np.isneginf(x.real).all(-1, keepdims=True), 0, grad * softmax(x))
