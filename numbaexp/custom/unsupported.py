"""The error of functions that can be no elementwise functions."""

from types import FunctionType

from numbaexp.operations import OPERATIONS, Kind, named

_FUNCTIONS = ", ".join(
    [*(name for name in named(Kind.ELEMENTWISE) if not OPERATIONS[name].is_gradient), "logaddexp", "logaddexp2"]
)
ALLOWED = (
    "use + - * /, `**` with a constant integer, comparisons, abs, min, max, sqrt, and functions of numbaexp "
    f"({_FUNCTIONS})"
)


class UnsupportedError(TypeError):
    """Say why a Python function can be no elementwise function, and where.

    See Also
    --------
    elementwise : says what such a function may do.

    Notes
    -----
    Accuracy: of no meaning here.

    Special values: of no meaning here.

    Examples
    --------
    >>> import math
    >>> import numbaexp
    >>> try:
    ...     numbaexp.elementwise(lambda x: math.sin(x))
    ... except numbaexp.UnsupportedError as error:
    ...     print(str(error).partition(";")[0])
    `math.sin` is not one whose bits are the same on every target
    """


def refusal(function: FunctionType, text: str, line: int | None = None) -> UnsupportedError:
    """Return the error of a line of a function, or of the function."""
    code = function.__code__
    return UnsupportedError(f'{text} (in {code.co_name}, "{code.co_filename}", line {line or code.co_firstlineno})')
