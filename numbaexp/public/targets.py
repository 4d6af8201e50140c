"""The choice of a target, and which targets can be used."""

import contextlib

from numbaexp.engine import ufuncs
from numbaexp.target import CUDA, TARGETS


def use_target(target: str) -> contextlib.AbstractContextManager[None]:
    """Run the functions of this package on a target of your choice, inside a ``with`` statement.

    Parameters
    ----------
    target : {"auto", "cpu", "parallel", "cuda"}
        The target for arrays in host memory, of NumPy or another library. ``"cpu"`` is one thread; ``"parallel"`` is
        all threads whatever the size; ``"auto"``, the default, is all threads where the array is large enough for them
        to pay. ``"cuda"`` copies the array to the current CUDA device and the result back. Arrays in device memory are
        computed there under every target.

    Returns
    -------
    context manager
        The choice holds in the current context (:mod:`contextvars`): in this thread or asynchronous task alone. Choices
        nest.

    Raises
    ------
    ValueError
        If there is no such target.
    RuntimeError
        For ``"cuda"``, if CUDA cannot be used here, with the reason.

    See Also
    --------
    targets : the targets that can be used here.

    Notes
    -----
    Accuracy: every target gives the same bits.

    Special values: every target gives the same.

    All threads are those that Numba has for the calling thread (``NUMBA_NUM_THREADS``, ``numba.set_num_threads``), but
    no more than the processors on which that may run; than ``OMP_NUM_THREADS`` and ``OMP_THREAD_LIMIT``, where
    ``NUMBA_NUM_THREADS`` is not given; and, of tensors, than ``torch.get_num_threads()``.

    Under ``"cuda"`` results are NumPy's in type and shape, and ``out``, ``where``, ``dtype``, ``casting``, ``order``
    and ``signature`` are honoured. No floating-point warnings are given there. Arrays that NumPy dispatches to other
    libraries (pandas, Dask, masked arrays, further subclasses) and types that no GPU kernel computes in (complex,
    longdouble, object) are refused with a :class:`TypeError`.

    Examples
    --------
    >>> import numpy as np
    >>> import numbaexp
    >>> with numbaexp.use_target("cpu"):
    ...     numbaexp.exp(np.float32([0, 1]))
    array([1.       , 2.7182817], dtype=float32)
    """
    if target not in TARGETS:
        raise ValueError(f"`target` must be one of {TARGETS}; got {target!r}")
    if target == CUDA:
        from numbaexp.cuda import usable

        reason = usable.missing()
        if reason is not None:
            raise RuntimeError(f"`target` 'cuda' cannot be used: {reason}")
    return ufuncs.switched(target)


def targets() -> dict[str, str | None]:
    """Return the targets that can be used here, and the reasons against the others.

    Returns
    -------
    dict of str to str or None
        By each name that :func:`use_target` takes, but for ``"auto"``: None if the target can be used, else the reason
        why not, in one line. CUDA is looked up once in a process.

    See Also
    --------
    use_target : runs the functions on a target.

    Notes
    -----
    Accuracy: every target gives the same bits.

    Special values: every target gives the same.

    Examples
    --------
    >>> import numbaexp
    >>> [name for name, reason in numbaexp.targets().items() if reason is None and name != "cuda"]
    ['cpu', 'parallel']
    """
    from numbaexp.cuda import usable

    names = TARGETS[1:]
    return {name: usable.missing() if name == CUDA else None for name in names}
