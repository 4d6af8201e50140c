"""Whether operations on tensors are recorded."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_enabled: ContextVar[bool] = ContextVar("numbaexp recording", default=True)
is_recording = _enabled.get


@contextlib.contextmanager
def recording(enabled: bool) -> Iterator[None]:
    """Switch recording on or off inside a ``with`` statement."""
    token = _enabled.set(enabled)
    try:
        yield
    finally:
        _enabled.reset(token)


def no_grad() -> contextlib.AbstractContextManager[None]:
    """Record nothing inside a ``with`` statement, or inside a function that this decorates.

    Returns
    -------
    context manager
        Effective in the current context (:mod:`contextvars`): in this thread or asynchronous task alone.

    See Also
    --------
    Tensor.detach : of one tensor.

    Notes
    -----
    Accuracy: the results are the same.

    Special values: the same.

    Examples
    --------
    >>> import numbaexp
    >>> from numbaexp import autograd
    >>> x = autograd.tensor([0.0], requires_grad=True)
    >>> with autograd.no_grad():
    ...     numbaexp.exp(x).requires_grad
    False
    """
    return recording(False)
