"""The switch between Numba's own functions and ours, in code that users compile."""

from numbaexp.once import LOCK


def accelerate_numba(enable: bool = True) -> None:
    """Let exponentials and logarithms of :mod:`math` and NumPy in code that Numba compiles be those of this package.

    From this call on ``exp``, ``exp2``, ``expm1``, ``log``, ``log2``, ``log10``, ``log1p``, ``sinh``, ``cosh`` and
    ``tanh`` of :mod:`math` and of NumPy, and NumPy's ``logaddexp`` and ``logaddexp2``, are the functions of these names
    of this package wherever Numba compiles them for the CPU: of scalars and arrays, in array expressions, in ``@njit``,
    ``@vectorize``, ``@guvectorize``, ``@stencil`` and ``@cfunc``, under ``parallel=True`` and ``fastmath=True``. The
    code itself stays as it is. ``math.exp2`` is Python's from 3.11 on.

    Parameters
    ----------
    enable : bool, optional
        Whether to have the functions of this package, or those of Numba again. A call that changes nothing is allowed.

    Returns
    -------
    None

    Raises
    ------
    ImportError
        If Numba cannot be imported.

    See Also
    --------
    exp, log, tanh : some of the functions, which compiled code can also call by name.

    Notes
    -----
    Accuracy: that of the functions, with the same bits, whatever the options of the compiler. Numba takes float32 and
    float64 alone. Integers are computed in float64, by ``numpy`` those of up to 16 bits in float32.

    Special values: those of the functions.

    Functions that were compiled before stay as they are, and so do their calls in functions that are compiled later.
    Call this function first, before all that compiles. The choice holds for the process, in all threads.

    Code on disk (``cache=True``) is kept apart: each process finds what was compiled in its own state, by the same
    version of this package. A function with calls of others that were compiled before the switch is not kept on disk.

    For a single function there is ``@njit(pipeline_class=numbaexp.AcceleratedCompiler)``. The functions that it calls
    are compiled as ever. A pickled function loses its pipeline.

    Functions of complex numbers stay Numba's, which computes most of them from these of real ones: their bits may
    change, and are no more exact than its other steps allow. The same holds for what else Numba builds on these
    functions, as some random distributions. Kernels of ``@cuda.jit``, ahead-of-time compilation
    (``numba.pycc``) and Python code that is not compiled stay as they are.

    Examples
    --------
    >>> import math
    >>> import numba
    >>> import numbaexp
    >>> numbaexp.accelerate_numba()
    >>> @numba.njit
    ... def growth(rate):
    ...     return math.expm1(rate)
    >>> growth(1.0)
    1.7182818284590453
    >>> numbaexp.accelerate_numba(False)
    """
    with LOCK:
        # Imported here, as importing numbaexp should not import Numba.
        from numbaexp.integrations.numba_math import switch

        switch(bool(enable))
