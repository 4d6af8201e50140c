"""The decorator that makes a user's scalar function an elementwise one."""

import functools
from collections.abc import Callable
from typing import Any, overload

from numbaexp.engine.ufunc_types import CustomUfunc
from numbaexp.once import LOCK


@overload
def elementwise(function: Callable[..., Any], /, *, name: str | None = None, wide: bool = True) -> CustomUfunc: ...
@overload
def elementwise(
    function: None = None, /, *, name: str | None = None, wide: bool = True
) -> Callable[[Callable[..., Any]], CustomUfunc]: ...


def elementwise(function: Callable[..., Any] | None = None, /, *, name: str | None = None, wide: bool = True) -> Any:
    """Make a function of numbers one of arrays: a ufunc that is compiled for every target, with gradients.

    The function is written in Python, for numbers, with

    - ``+ - * /``, ``**`` with a constant integer, comparisons, ``and``, ``or``, ``not``;
    - ``abs``, ``min``, ``max``, ``math.sqrt``;
    - :func:`exp`, :func:`exp2`, :func:`exp10`, :func:`expm1`, :func:`log`, :func:`log2`, :func:`log10`, :func:`log1p`,
      :func:`sinh`, :func:`cosh`, :func:`tanh`, :func:`sigmoid`, :func:`softplus`, :func:`log_sigmoid`, :func:`logit` of
      this package, for which NumPy's and :mod:`math`'s functions of these names are taken too, the logarithm without a
      base;
    - ``if``, conditional expressions, ``while``, ``for`` over a :class:`range` of constants;
    - constants, other functions of this kind, and functions of numbers of the user's own.

    The function is taken as it is now: later changes of global names have no effect.

    Parameters
    ----------
    function : callable, optional
        The function of numbers. A tuple that it returns is that of several results.
    name : str, optional
        Of the new function; by default that of ``function``.
    wide : bool, optional
        If true, floats of less than 64 bits are computed in float64, and rounded once. If false, float32 is computed in
        float32, and so are narrower types, which are rounded once.

    Returns
    -------
    ufunc
        Of one argument for each parameter, with all that a NumPy ufunc takes and does, on the arrays of all libraries
        that :func:`exp` takes. Arguments are broadcast together, and promoted to one float type as the library promotes
        them; Python's numbers take the type of the others. Its attribute ``backward`` computes all gradients,
        ``backward(grad_output, *arguments)``, in one pass, and is such a function itself. Its method ``gradient``
        decorates a function ``(grad_output, result, *arguments)`` that is to compute them instead.

    Raises
    ------
    UnsupportedError
        If the function does something else: a :class:`TypeError` that names function, file and line.
    ValueError
        If ``name`` is no identifier.

    See Also
    --------
    logsumexp, softmax : of rows; a reduction over a result of this is ``logsumexp(function(x), axis=-1)``.

    Notes
    -----
    Accuracy: of each step as IEEE 754 rounds it, in float64 or in the type of the arguments. With ``wide`` results of
    narrower types are correctly rounded but for what float64 loses. Functions of this package are correctly rounded as
    outside, but with ``wide``, where they err by less than 2**-50, relatively, before the result is rounded. Every
    target, thread count, stride and position gives the same bits.

    Special values: as IEEE 754 has them. No floating-point warning is given. A derivative where there is none is that
    of the side that was computed, and 0 of ``abs`` at 0.

    Inside ``@numba.njit``, ``@numba.vectorize``, ``@numba.guvectorize`` and ``@numba.cuda.jit`` code the function and
    its ``backward`` take numbers, and give the same bits, whatever compiler flags are given. Numbers have types there:
    one float64 among float32 makes all of them float64. Code that Numba keeps on disk is compiled anew once the
    function has changed, and always if no module has it by its name; kernels of ``@numba.cuda.jit`` are not.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> @numbaexp.elementwise
    ... def gaussian(x, mu, sigma):
    ...     z = (x - mu) / sigma
    ...     return numbaexp.exp(-0.5 * z * z) / sigma
    >>> gaussian(np.float32([0, 1, 2]), 1, 2)
    array([0.44124845, 0.5       , 0.44124845], dtype=float32)
    >>> gradients = gaussian.backward(1.0, np.array([0.0, 1.0]), 1.0, 2.0)
    >>> [each.tolist() for each in gradients]  # doctest: +ELLIPSIS
    [[0.1103..., -0.0], [-0.1103..., 0.0], [-0.1654..., -0.25]]
    """
    if name is not None and not name.isidentifier():
        raise ValueError(f"`name` must be an identifier; got {name!r}")
    if function is None:
        return functools.partial(elementwise, name=name, wide=wide)
    # Compiling is for those who define functions; importing the package is not to wait for it.
    with LOCK:
        # First, for the package's own use of Numba follows its import.
        import numba  # noqa: F401

        from numbaexp.engine import custom_functions
    return custom_functions.make(function, name, bool(wide))
