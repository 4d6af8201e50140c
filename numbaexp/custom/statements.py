"""Statements that no elementwise function has, by the instructions of Python's bytecode."""

import dis
from types import CodeType

_STATEMENTS = {
    "`import`": "IMPORT_NAME",
    "a function or class inside": "MAKE_FUNCTION LOAD_BUILD_CLASS",
    "`yield` or `async`": "YIELD_VALUE RETURN_GENERATOR GEN_START",
    "`with`": "BEFORE_WITH SETUP_WITH LOAD_SPECIAL",
    "`raise` or `assert`": "RAISE_VARARGS LOAD_ASSERTION_ERROR LOAD_COMMON_CONSTANT",
    "`try`": "PUSH_EXC_INFO SETUP_FINALLY",
    "an f-string": "FORMAT_VALUE FORMAT_SIMPLE FORMAT_WITH_SPEC BUILD_STRING",
    "a list": "BUILD_LIST LIST_EXTEND",
    "a dict": "BUILD_MAP BUILD_CONST_KEY_MAP",
    "a set": "BUILD_SET",
    "a slice": "BUILD_SLICE BINARY_SLICE",
    "`del`": "DELETE_FAST DELETE_DEREF DELETE_GLOBAL DELETE_ATTR DELETE_SUBSCR",
    "`global` or `nonlocal`": "STORE_GLOBAL STORE_DEREF",
    "an assignment to a part": "STORE_SUBSCR STORE_ATTR STORE_SLICE",
}
_BY_INSTRUCTION = {name: statement for statement, names in _STATEMENTS.items() for name in names.split()}


def refused_statement(code: CodeType) -> tuple[str, int] | None:
    """Return the first statement that no elementwise function has, and its line."""
    line, lines = code.co_firstlineno, dict(dis.findlinestarts(code))
    for instruction in dis.get_instructions(code):
        line = lines.get(instruction.offset) or line
        if instruction.opname in _BY_INSTRUCTION:
            return _BY_INSTRUCTION[instruction.opname], line
    return None
