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
    lines = [(0, code.co_firstlineno), *((offset, line) for offset, line in dis.findlinestarts(code) if line)]
    for instruction in dis.get_instructions(code):
        name, offset = instruction.opname, instruction.offset
        if name in _BY_INSTRUCTION:
            # What begins to handle an error stands in no line, and before one.
            if name == "PUSH_EXC_INFO":
                line = next(line for start, line in lines if start > offset)
            else:
                line = max((start, line) for start, line in lines if start <= offset)[1]
            return _BY_INSTRUCTION[name], line
    return None
