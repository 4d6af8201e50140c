"""The hash of a user's function: of all that its results depend on, and of no file, line or name of its own."""

import hashlib
import importlib.util
from types import CodeType
from typing import Any

from numbaexp.custom.kinds import frozen


def of_code(code: CodeType) -> tuple[Any, ...]:
    """Return all of a function's code that has a meaning, as tuples of Python's plain values."""
    # The function uses none of another type, and its docstring is one.
    constants = tuple(None if frozen(value) is None else value for value in code.co_consts)
    return (
        code.co_code,
        constants,
        code.co_argcount,
        code.co_names,
        code.co_varnames,
        code.co_cellvars,
        code.co_freevars,
        getattr(code, "co_exceptiontable", b""),
    )


def digest_of(content: Any) -> str:
    """Return the hash of plain values, whose ``repr`` tells all that differ from one another."""
    return hashlib.sha256(repr((importlib.util.MAGIC_NUMBER, content)).encode()).hexdigest()
