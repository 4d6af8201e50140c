"""The error of functions that can be no elementwise functions."""

import contextlib
import os
import re
from collections.abc import Iterator
from types import FunctionType

import numba
from numba.core import errors

ALLOWED = (
    "use + - * /, `**` with a constant integer, comparisons, abs, min, max, sqrt, and functions of numbaexp "
    "(exp, exp2, exp10, expm1, sigmoid, softplus)"
)

# Folders of code that is no user's.
_OWN = (os.path.dirname(os.path.dirname(__file__)), os.path.dirname(numba.__file__))


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
    return _located(code.co_name, code.co_filename, line or code.co_firstlineno, text)


def _located(name: str, file: str, line: int | str, text: str) -> UnsupportedError:
    return UnsupportedError(f'{text} (in {name}, "{file}", line {line})')


@contextlib.contextmanager
def explained(name: str) -> Iterator[None]:
    """Raise what Numba refuses as it compiles a function of a user's by the place in the user's code.

    The check leaves little of that. An error without such a place is not the user's, and left as it is.
    """
    try:
        yield
    except errors.NumbaError as error:
        text = str(error)
        places = [place for place in re.findall(r" at (.+) \((\d+)\)$", text, re.M) if not place[0].startswith(_OWN)]
        if not places:
            raise
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("Failed in ")]
        called = next((line.removeprefix(">>> ") for line in lines if line.startswith(">>> ")), "")
        file, line = places[0]
        raise _located(name, file, line, f"{lines[0]} {called}".strip()) from error
