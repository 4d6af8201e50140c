"""The check of a user's function, on Numba's representation of the code before there are types: quick, for nothing is
compiled."""

import inspect
import operator
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any, NoReturn

from numba.core import errors, ir
from numba.core.compiler import run_frontend
from numba.core.ssa import reconstruct_ssa

from numbaexp.custom import vocabulary
from numbaexp.custom.kinds import (
    Iteration,
    Kind,
    Known,
    Literal,
    described,
    frozen,
    is_numeric,
    joined,
    kind_of,
    variable,
)
from numbaexp.custom.operators import SIGNS, of_operator, result_of
from numbaexp.custom.parameters import defaults_of
from numbaexp.custom.statements import refused_statement
from numbaexp.custom.unsupported import ALLOWED, UnsupportedError, refusal


class Checker:
    """Check a function and its helpers.

    Attributes
    ----------
    names : dict
        For each Python function, the values that it reaches by a name, or by names with dots between them.
    """

    def __init__(self) -> None:
        self.names: dict[FunctionType, dict[tuple[str, ...], Any]] = {}
        self.running: list[FunctionType] = []
        self._results: dict[tuple[FunctionType, tuple[Any, ...]], Any] = {}

    def result(self, function: FunctionType, arguments: tuple[Any, ...]) -> Any:
        """Return the kind of a function's result for arguments of some kinds.

        Raises
        ------
        UnsupportedError
            If the function cannot be an elementwise one, or part of one.
        """
        known = (function, arguments)
        if known not in self._results:
            self.running.append(function)
            self._results[known] = _Body(self, function, arguments).result()
            self.running.pop()
        return self._results[known]


class _Body:
    """The code of a function that is called with arguments of some kinds."""

    def __init__(self, checker: Checker, function: FunctionType, arguments: tuple[Any, ...]) -> None:
        self._checker, self._function, self._arguments = checker, function, arguments
        self._line = function.__code__.co_firstlineno
        self._names = checker.names.setdefault(function, {})
        self._kinds: dict[str, Any] = {}
        self._result: Any = None

    def result(self) -> Any:
        """Return the kind of the result."""
        blocks = self._blocks()
        before: Any = None
        # Loops lead back to variables whose kinds were not known.
        while before != (self._kinds, self._result):
            before = dict(self._kinds), self._result
            for statement in (each for _, block in sorted(blocks.items()) for each in block.body):
                self._line = statement.loc.line
                self._execute(statement)
        if self._result is None:
            self._refuse("no path returns a number")
        return self._result

    def _refuse(self, text: str) -> NoReturn:
        raise refusal(self._function, text, self._line) from None

    def _blocks(self) -> Any:
        """Return Numba's representation, in which each variable has one place that assigns to it."""
        code = self._function.__code__
        refused = refused_statement(code)
        if refused is not None:
            statement, self._line = refused
            self._refuse(f"{statement} cannot be used in an elementwise function; {ALLOWED}")
        for name, cell in zip(code.co_freevars, self._function.__closure__ or (), strict=True):
            try:
                _ = cell.cell_contents
            except ValueError:
                self._undefined(name)
        try:
            return reconstruct_ssa(run_frontend(self._function)).blocks
        except errors.NumbaError as error:
            failed: Any = error
            self._line = failed.loc.line if failed.loc else self._line
            if isinstance(error, errors.NotDefinedError):
                self._refuse(f"`{failed.name}` has no value here")
            self._refuse(f"this cannot be compiled: {failed.msg.splitlines()[0]}")

    def _refuse_statement(self) -> NoReturn:
        self._refuse(f"this cannot be used in an elementwise function; {ALLOWED}")

    def _undefined(self, name: str) -> NoReturn:
        if name == self._function.__name__:
            self._refuse(f"`{name}` calls itself, which an elementwise function cannot do")
        self._refuse(f"`{name}` is not defined")

    def _kind(self, variable: Any) -> Any:
        """Return the kind of a variable; None while that is not known."""
        return self._kinds.get(variable.name)

    def _execute(self, statement: Any) -> None:
        if isinstance(statement, ir.Assign):
            kind = self._value(statement.value)
            # Names of arguments are strings too, in variables of Numba's.
            if kind is Kind.TEXT and not statement.target.is_temp:
                self._refuse(f"a string cannot be used; {ALLOWED}")
            if kind is not None:
                self._kinds[statement.target.name] = self._join(self._kind(statement.target), kind)
        elif isinstance(statement, ir.Return):
            kind = self._kind(statement.value)
            if kind is Kind.NOTHING:
                self._refuse("a path returns nothing: every path must return a number")
            if kind is not None:
                self._result = self._join(self._result, variable(kind), "what is returned is")
        elif not isinstance(statement, (ir.Branch, ir.Jump)):
            self._refuse_statement()

    def _join(self, a: Any, b: Any, what: str = "a variable is") -> Any:
        kind = b if a is None else joined(a, b)
        if kind is None:
            self._refuse(f"{what} {described(a)} on one path and {described(b)} on another")
        return kind

    def _value(self, value: Any) -> Any:
        """Return the kind of what is assigned; None while that is not known."""
        if type(value) not in _VALUES:
            self._refuse_statement()
        return _VALUES[type(value)](self, value)

    def _expression(self, expression: Any) -> Any:
        if expression.op == "phi":
            return self._choice(expression.incoming_values)
        if expression.op == "call":
            return self._call(expression)
        if expression.op not in _EXPRESSIONS:
            self._refuse_statement()
        evaluate, parts = _EXPRESSIONS[expression.op]
        kinds = [self._kind(part) for part in parts(expression)]
        return None if None in kinds else evaluate(self, expression, *kinds)

    def _constant(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return Kind.NOTHING if value is None else Kind.TEXT
        number = frozen(value)
        if number is None:
            size = " beyond 64 bits" if isinstance(value, int) else ""
            self._refuse(f"a constant of type {type(value).__name__}{size} cannot be used; {ALLOWED}")
        return kind_of(number)

    def _named(self, known: Known) -> Any:
        """Return the kind of what a name stands for."""
        value = known.value
        if value is ir.UNDEFINED:
            self._undefined(known.name)
        number, is_module = frozen(value), isinstance(value, ModuleType)
        if number is None and not is_module and not callable(value):
            self._refuse(
                f"`{known.name}` is of type {type(value).__name__}; names in an elementwise function stand for "
                "numbers, tuples of them, modules and functions"
            )
        # Numba itself calls ``bool``.
        if not is_module and value is not bool:
            self._names[known.path] = value if number is None else number
        return known if number is None else kind_of(number)

    def _choice(self, variables: Any) -> Any:
        """Return the kind of a variable that several paths have assigned to."""
        assigned = [each for each in variables if each is not ir.UNDEFINED]
        name = assigned[0].unversioned_name
        if len(assigned) < len(variables):
            self._refuse(f"`{name}` has no value on one of the paths that lead here")
        what = "the value is" if name.startswith("$") else f"`{name}` is"
        kind: Any = None
        for incoming in filter(None, map(self._kind, assigned)):
            kind = self._join(kind, variable(incoming), what)
        return kind

    # Expressions, with the kinds of their parts.

    def _attribute(self, expression: Any, kind: Any) -> Any:
        if not isinstance(kind, Known) or not isinstance(kind.value, ModuleType):
            self._refuse(f"`.{expression.attr}` of {described(kind)} cannot be used; {ALLOWED}")
        value = getattr(kind.value, expression.attr, ir.UNDEFINED)
        return self._named(Known(value, (*kind.path, expression.attr)))

    def _unary(self, expression: Any, kind: Any) -> Any:
        if expression.fn is operator.not_:
            return self._condition(kind)
        if not is_numeric(kind) or expression.fn is operator.invert:
            self._refuse(f"a sign before {described(kind)} cannot be used; {ALLOWED}")
        return variable(kind)

    def _condition(self, kind: Any) -> Any:
        if kind is not Kind.BOOL and not is_numeric(kind):
            self._refuse(f"{described(kind)} cannot be a condition")
        return Kind.BOOL

    def _binary(self, expression: Any, a: Any, b: Any) -> Any:
        function = expression.immutable_fn if expression.op == "inplace_binop" else expression.fn
        kind = of_operator(function, a, b)
        if kind is None:
            self._refuse(f"`{SIGNS[function]}` of {described(a)} and {described(b)} cannot be used; {ALLOWED}")
        return kind

    def _unpacked(self, expression: Any, kind: Any) -> Any:
        if not isinstance(kind, tuple) or len(kind) != expression.count:
            self._refuse(f"{described(kind)} cannot be unpacked into {expression.count} variables")
        return kind

    def _item(self, expression: Any, kind: Any, at: Any = None) -> Any:
        index = at.value if isinstance(at, Literal) else expression.index
        if not isinstance(kind, tuple) or not isinstance(index, int) or not -len(kind) <= index < len(kind):
            self._refuse(f"`[...]` of {described(kind)} cannot be used: an elementwise function is of single numbers")
        return kind[index]

    def _iterator(self, _: Any, kind: Any) -> Any:
        if kind is Kind.RANGE:
            return Iteration(Kind.INTEGER)
        kinds = {variable(item) for item in kind} if isinstance(kind, tuple) else set()
        if len(kinds) != 1:
            self._refuse(f"`for` over {described(kind)} cannot be used: write it over `range`")
        return Iteration(kinds.pop())

    # Calls.

    def _call(self, expression: Any) -> Any:
        if expression.vararg or expression.varkwarg:
            self._refuse("`*` and `**` before an argument cannot be used")
        called, kinds = self._kind(expression.func), [self._kind(each) for each in expression.args]
        named = {name: self._kind(each) for name, each in expression.kws}
        if None in (called, *kinds, *named.values()):
            return None
        if not isinstance(called, Known):
            self._refuse(f"{described(called)} cannot be called")
        value, name = called.value, called.name
        if value is bool:
            return self._condition(*kinds)
        operation, function = vocabulary.operation_of(value), vocabulary.helper(value)
        if operation is None and function is not None:
            return self._call_of_helper(name, function, kinds, named)
        if operation is None and vocabulary.name_of(value) is None:
            self._refuse(f"`{name}` is not one whose bits are the same on every target; {ALLOWED}")
        if named:
            self._refuse(f"`{name}` takes no arguments by name here")
        if operation is not None:
            return self._call_of_operation(name, operation, kinds)
        return self._call_of_vocabulary(name, vocabulary.name_of(value), kinds)

    def _call_of_helper(self, name: str, function: FunctionType, kinds: list[Any], named: dict[str, Any]) -> Any:
        if function in self._checker.running:
            self._refuse(f"`{name}` calls itself, which an elementwise function cannot do")
        for kind in (*kinds, *named.values()):
            if not isinstance(kind, tuple) and kind is not Kind.BOOL and not is_numeric(kind):
                self._refuse(f"{described(kind)} cannot be given to `{name}`, which takes numbers")
        line, signature = self._line, inspect.signature(function)
        try:
            given = signature.bind(*kinds, **named).arguments
            filled = {**{key: kind_of(number) for key, number in defaults_of(function).items()}, **given}
            return self._checker.result(function, tuple(variable(filled[key]) for key in signature.parameters))
        except UnsupportedError as error:
            self._line = line
            self._refuse(f"{error}, called")
        except TypeError as error:
            self._refuse(f"`{name}`: {error}")

    def _call_of_operation(self, name: str, operation: Any, kinds: list[Any]) -> Any:
        if len(kinds) != len(operation.arrays) or not all(map(is_numeric, kinds)) or Kind.NUMBER not in kinds:
            self._refuse(f"`{name}` takes {len(operation.arrays)} numbers; got {self._listed(kinds)}")
        return Kind.NUMBER if operation.results == 1 else (Kind.NUMBER,) * operation.results

    def _call_of_vocabulary(self, name: str, entry: Any, kinds: list[Any]) -> Any:
        kind = result_of(entry, kinds)
        if kind is None and entry == "log" and len(kinds) == 2:
            self._refuse(f"`{name}` takes one number, and no base: divide by the logarithm of the base")
        if kind is None:
            self._refuse(f"`{name}` of {self._listed(kinds)} cannot be used; {ALLOWED}")
        return kind

    @staticmethod
    def _listed(kinds: list[Any]) -> str:
        return ", ".join(map(described, kinds)) or "nothing"


def _of_value(expression: Any) -> list[Any]:
    return [expression.value]


_VALUES: dict[type, Callable[[_Body, Any], Any]] = {
    ir.Arg: lambda body, value: body._arguments[value.index],
    ir.Var: _Body._kind,
    ir.Global: lambda body, value: body._named(Known(value.value, (value.name,))),
    ir.FreeVar: lambda body, value: body._named(Known(value.value, (value.name,))),
    ir.Const: lambda body, value: body._constant(value.value),
    ir.Expr: _Body._expression,
}
# How each expression of Numba's is checked, and the variables that are its parts.
_EXPRESSIONS: dict[str, tuple[Callable[..., Any], Callable[[Any], list[Any]]]] = {
    "getattr": (_Body._attribute, _of_value),
    "unary": (_Body._unary, _of_value),
    "binop": (_Body._binary, lambda expression: [expression.lhs, expression.rhs]),
    "inplace_binop": (_Body._binary, lambda expression: [expression.lhs, expression.rhs]),
    "build_tuple": (lambda body, expression, *kinds: kinds, lambda expression: expression.items),
    "exhaust_iter": (_Body._unpacked, _of_value),
    "static_getitem": (_Body._item, _of_value),
    "getitem": (_Body._item, lambda expression: [expression.value, expression.index]),
    "getiter": (_Body._iterator, _of_value),
    "iternext": (lambda body, expression, kind: kind, _of_value),
    "pair_first": (lambda body, expression, kind: kind.over, _of_value),
    "pair_second": (lambda body, expression, kind: Kind.BOOL, _of_value),
    "cast": (lambda body, expression, kind: kind, _of_value),
}
