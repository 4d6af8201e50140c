"""The elementwise functions of longdouble and complex numbers, by formulas over NumPy's own functions.

A formula neither overflows nor underflows nor cancels on the way to a result that does not. Gradients of complex
functions are products with the holomorphic derivative.
"""

import numpy as np

# The natural logarithm of 10, times 2**190.
_LOG10, _LOG10_EXPONENT = 0x935D8DDDAAA8AC16EA56D62B82D30A28E28FECF9DA5DF90E, -190


def of_parts(z):
    """View complex numbers as twice as many real ones; real numbers as they are."""
    return z.view(z.real.dtype)


def _scaled(z, factor):
    return (of_parts(z) * factor).view(z.dtype)


def _half_precision(kind):
    return (np.finfo(kind).nmant + 1) // 2


def _log10_parts(kind):
    """Return the logarithm of 10 as a sum of three numbers, of which the first two have half the bits of the type."""
    bits, rest, parts = _half_precision(kind), _LOG10, []
    for length in (bits, bits, 2 * bits):
        shift = rest.bit_length() - length
        parts.append(np.ldexp(kind.type(rest >> shift), shift + _LOG10_EXPONENT))
        rest &= (1 << shift) - 1
    return parts


def _complex_exp10(z):
    """Compute ``exp(z * log(10))``, and correct for the rounding of that product."""
    x = of_parts(z)
    high, middle, low = _log10_parts(x.dtype)
    product = x * (high + middle)
    fraction, exponent = np.frexp(x)
    bits = _half_precision(x.dtype)
    head = np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits)
    tail = x - head
    error = (((head * high - product) + head * middle) + tail * high) + tail * middle + x * low
    power = np.exp(product.view(z.dtype))
    correction = of_parts(power * np.expm1(error.view(z.dtype)))
    result = of_parts(power)
    # Zeros keep their signs.
    np.add(result, correction, out=result, where=np.isfinite(correction) & (result != 0))
    return power


def _power_and_one_more(z):
    """Return where ``z`` has a negative real part, ``p`` and ``1 + p``, with ``p = exp(z)`` there and ``exp(-z)``
    elsewhere, so that ``p`` is at most 1."""
    left = z.real < 0
    if z.dtype.kind != "c":
        power = np.exp(-np.abs(z))
        return left, power, 1 + power
    size, angle = np.exp(-np.abs(z.real)), np.where(left, z.imag, -z.imag)
    cosine = np.cos(angle / 2)
    power, more = np.empty_like(z), np.empty_like(z)
    # C defines the exponential at -inf as 0 whatever the angle is, and an angle may have no sine.
    power.real = np.where(size == 0, 0, size * np.cos(angle))
    power.imag = np.where(size == 0, np.copysign(size, angle), size * np.sin(angle))
    # A sum of two numbers of one sign does not cancel, where ``1 + p`` would at the poles.
    more.real = np.where(size == 0, 1, 2 * size * cosine * cosine - np.expm1(-np.abs(z.real)))
    more.imag = power.imag
    return left, power, more


def _sigmoid(z):
    left, power, more = _power_and_one_more(z)
    return np.where(left, power, 1) / more


def _softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def log1p(z):
    """Compute the logarithm of ``1 + z`` with an error that is small beside its magnitude, which NumPy's own of complex
    numbers does not."""
    if z.dtype.kind != "c":
        return np.log1p(z)
    result = np.empty_like(z)
    result.real = _log_of_magnitude(z, 1 + z)
    result.imag = np.arctan2(z.imag, 1 + z.real)
    return result


def _log_of_magnitude(z, more):
    """Compute the logarithm of the magnitude of ``more``, which is ``1 + z``."""
    excess = z.real * (2 + z.real) + z.imag * z.imag
    return np.where(excess > -0.5, np.log1p(excess) / 2, np.log(np.abs(more)))


def _complex_softplus(z):
    """Compute the principal value, whose imaginary part is between -pi and pi."""
    left, power, more = _power_and_one_more(z)
    cosine = np.cos(z.imag / 2)
    # The angle of exp(z) + 1, over a power without an angle.
    of_right = np.arctan2(np.sin(z.imag), 2 * cosine * cosine + np.expm1(-np.abs(z.real)))
    result = np.empty_like(z)
    result.real = np.maximum(z.real, 0) + _log_of_magnitude(power, more)
    result.imag = np.where(left, np.arctan2(more.imag, more.real), of_right)
    return result


def _exp2_backward(grad, output):
    return grad * _scaled(output, np.log(output.real.dtype.type(2)))


def _exp10_backward(grad, output):
    return grad * _scaled(output, np.log(output.real.dtype.type(10)))


def _expm1_backward(grad, z):
    root = np.exp(z / 2)
    return grad * root * root


def _sigmoid_backward(grad, z):
    left, _, more = _power_and_one_more(z)
    root = np.exp(np.where(left, z, -z) / 2) / more
    return grad * root * root


def _softplus_backward(grad, z):
    left, _, more = _power_and_one_more(z)
    root = np.exp(np.where(left, z, 0) / 2)
    return grad * root * root / more


def _logit(z):
    """Compute the principal value, whose real part is a logarithm of one more next to 1/2, where that is 0."""
    near = np.abs(z - 0.5) < 0.25
    given = np.where(near, z, 0.5)
    of_center = log1p((2 * given - 1) / (1 - given))
    if z.dtype.kind != "c":
        return np.where(near, of_center, np.log(z / (1 - z)))
    # Between the angles of both logarithms are never more than pi.
    return np.where(near, of_center, np.log(z) - log1p(-z))


def _log_backward(grad, z):
    return grad / z


def _over_multiple(grad, z, factor):
    """Divide by a multiple of ``z``, where that is neither subnormal nor too great."""
    info, size = np.finfo(z.real.dtype), np.abs(z)
    small, great = size < np.ldexp(info.smallest_normal, 70), size > np.ldexp(info.max, -10)
    scale = np.ldexp(info.dtype.type(1), np.where(small, 70, np.where(great, -10, 0)))
    return grad / (z * scale * factor) * scale


def _log2_backward(grad, z):
    return _over_multiple(grad, z, np.log(z.real.dtype.type(2)))


def _log10_backward(grad, z):
    return _over_multiple(grad, z, np.log(z.real.dtype.type(10)))


def _log1p_backward(grad, z):
    return grad / (1 + z)


# Beyond this real part a hyperbolic sine or cosine is half of one exponential.
_FAR = 40


def _times_hyperbolic(grad, z, function, sign):
    """Multiply by a hyperbolic function that has a sign in the left half plane; far off by the root of an exponential,
    twice."""
    left, near = z.real < 0, np.abs(z.real) <= _FAR
    root = np.exp(np.where(left, -z, z) / 2)
    far = grad * root * (root * np.where(left, sign, 1) / 2)
    return np.where(near, grad * function(np.where(near, z, 0)), far)


def _sinh_backward(grad, z):
    return _times_hyperbolic(grad, z, np.cosh, 1)


def _cosh_backward(grad, z):
    return _times_hyperbolic(grad, z, np.sinh, -1)


def _tanh_backward(grad, z):
    near = np.abs(z.real) <= _FAR
    root = np.where(near, 1 / np.cosh(np.where(near, z, 0)), 2 * np.exp(np.where(z.real < 0, z, -z)))
    return grad * root * root


def _log_sigmoid_backward(grad, z):
    return _softplus_backward(grad, -z)


def _logit_backward(grad, z):
    return grad / z / (1 - z)


_OF_BOTH = {
    "sigmoid": _sigmoid,
    "exp2_backward": _exp2_backward,
    "exp10_backward": _exp10_backward,
    "expm1_backward": _expm1_backward,
    "sigmoid_backward": _sigmoid_backward,
    "softplus_backward": _softplus_backward,
    "logit": _logit,
    "log_backward": _log_backward,
    "log2_backward": _log2_backward,
    "log10_backward": _log10_backward,
    "log1p_backward": _log1p_backward,
    "sinh_backward": _sinh_backward,
    "cosh_backward": _cosh_backward,
    "tanh_backward": _tanh_backward,
    "log_sigmoid_backward": _log_sigmoid_backward,
    "logit_backward": _logit_backward,
}
_OF_REAL = {"exp10": lambda x: np.power(10, x), "softplus": _softplus, "log_sigmoid": lambda x: -_softplus(-x)}
_OF_COMPLEX = {
    "exp10": _complex_exp10,
    "softplus": _complex_softplus,
    "log_sigmoid": lambda z: -_complex_softplus(-z),
}
# Where results are infinite; the last argument of a function is the one that counts.
POLES = {
    "logit": (0, 1),
    **dict.fromkeys(("log_backward", "log2_backward", "log10_backward"), (0,)),
    "log1p_backward": (-1,),
    "logit_backward": (0, 1),
}
# Where a result is 0 and exact, besides those of arguments that are 0.
ZEROS = {"logit": (0.5,)}


def formula(name, kind):
    """Return the formula of a function for a type of NumPy's, which takes contiguous arrays of ``computed_in`` that."""
    return _OF_BOTH.get(name) or (_OF_COMPLEX if kind.kind == "c" else _OF_REAL)[name]


def computed_in(kind):
    """Return the type that a type is computed in: complex64 in complex128."""
    return np.dtype("D") if kind.char == "F" else kind
