"""Users' functions are checked where they are defined, and captured as they are then."""

import math
import textwrap
import types

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numbaexp
from numbaexp.custom.capture import capture
from numbaexp.custom.operation import CustomOperation
from numbaexp.custom.unsupported import UnsupportedError
from numbaexp.dual.conversions import make_float, make_number
from numbaexp.dual.functions import FUNCTIONS

FILE = "functions_of_a_user.py"
NAMES = {"math": math, "np": np, "numba": numba, "numbaexp": numbaexp}

# What is wrong, in a function `f` of `x`, or in its body, and a part of the message. The line is that of the mark.
WRONG = {
    "an unsupported function": ("return math.sin(x) #!", "`math.sin` is not one whose bits are the same"),
    "a logarithm to a base": ("return math.log(x, 10) #!", "`math.log` takes one number, and no base: divide by"),
    "a logarithm of nothing": ("return math.log() #!", "`math.log` of nothing"),
    "of NumPy": ("return x * np.random.normal() #!", "`np.random.normal` is not one"),
    "of NumPy, in Python": ("return np.mean(x) #!", "`np.mean` is not one"),
    "a row's function": ("return numbaexp.softmax(x) #!", "`numbaexp.softmax` is not one"),
    "a reduction": ("from numbaexp import logsumexp\ndef f(x):\n    return logsumexp(x) #!", "`logsumexp` is not one"),
    "a function without a name here": ("return math.nothing(x) #!", "`math.nothing` is not defined"),
    "print": ("print(x) #!\nreturn x", "`print` is not one"),
    "int": ("return int(x) #!", "`int` is not one"),
    "a method": ("y = x + 1\nreturn y.sum() #!", "`.sum` of a number"),
    "an attribute": ("return x.real #!", "`.real` of a number"),
    "an attribute of a function": ("return math.exp.real #!", "`.real` of `math.exp`"),
    "a call of a number": ("return x(1) #!", "a number cannot be called"),
    "a string": ("y = 'text' #!\nreturn x", "a string cannot be used"),
    "strings compared": ("return x if 'a' == 'b' else -x #!", "`==` of a string and a string"),
    "an f-string": ("y = f'{x}' #!\nreturn x", "an f-string"),
    "a complex constant": ("return x * 1j #!", "a constant of type complex"),
    "a large integer": ("return x * 10**30 #!", "a constant of type int beyond 64 bits"),
    "a global list": ("w = [1.0]\ndef f(x):\n    return x * w #!", "`w` is of type list"),
    "a global dict": ("w = {}\ndef f(x):\n    return x * w #!", "`w` is of type dict"),
    "a global array": ("w = np.ones(2)\ndef f(x):\n    return x * w[0] #!", "`w` is of type ndarray"),
    "a global None": ("w = None\ndef f(x):\n    return x if w is None else -x #!", "`w` is of type NoneType"),
    "None": ("return x if x is None else -x #!", "`is`"),
    "a global object": ("w = object()\ndef f(x):\n    return x * w #!", "`w` is of type object"),
    "a longdouble": ("w = np.longdouble(1)\ndef f(x):\n    return x * w #!", "`w` is of type longdouble"),
    "a global string": ("w = 'relu'\ndef f(x):\n    return x if w else -x #!", "`w` is of type str"),
    "a class": ("class w: pass\ndef f(x):\n    return w(x) #!", "`w` is not one"),
    "an undefined name": ("return x * w #!", "`w` is not defined"),
    "a variable before its value": ("y = y + x #!\nreturn y", "`y` has no value"),
    "a variable of one path": ("if x > 0:\n    y = 1.0\nreturn x * y #!", "`y` has no value on one"),
    "recursion": ("return x if x < 1 else f(x / 2) #!", "`f` calls itself"),
    "mutual recursion": ("def g(x):\n    return f(x) #!\ndef f(x):\n    return g(x)", "`f` calls itself"),
    "a range of an argument": ("for i in range(x): #!\n    x += i\nreturn x", "`range` of a number"),
    "a range of a float": ("for i in range(2.0): #!\n    x += i\nreturn x", "`range` of a constant"),
    "a loop over an argument": ("for i in x: #!\n    x += i\nreturn x", "`for` over a number"),
    "a list": ("y = [x] #!\nreturn x", "a list"),
    "a list comprehension": ("return sum([x * i for i in range(3)]) #!", ""),
    "a set": ("y = {x} #!\nreturn x", "a set"),
    "a dict": ("y = {1: x} #!\nreturn x", "a dict"),
    "membership": ("return 1.0 if x in (1.0, 2.0) else x #!", "`in`"),
    "a subscript": ("return x[0] #!", "`[...]` of a number"),
    "a subscript by a variable": ("return (x, x)[x] #!", "`[...]` of a tuple of 2"),
    "a slice": ("return x[1:] #!", "a slice"),
    "an assignment to an item": ("x[0] = 1.0 #!\nreturn x", "an assignment to a part"),
    "a root": ("return x**0.5 #!", "`**` of a number and a constant"),
    "a power of numbers": ("def f(x, y):\n    return x**y #!", "`**` of a number and a number"),
    "a power that a loop counts": ("for i in range(3):\n    x = x**i #!\nreturn x", "`**` of"),
    "a remainder": ("return x % 2.0 #!", "`%` of a number and a constant"),
    "a floor": ("def f(x, y):\n    x //= y #!\n    return x", "`//` of a number and a number"),
    "bits": ("return x & 1 #!", "`&` of a number and an integer"),
    "a matrix product": ("return x @ x #!", "`@` of"),
    "an inverse": ("return ~x #!", "a sign before a number"),
    "a function inside": ("g = lambda y: y #!\nreturn g(x)", "a function or class inside"),
    "try": ("try: #!\n    x = 1 / x\nexcept ZeroDivisionError: #!\n    x = 0.0\nreturn x", "`try`"),
    "raise": ("if x < 0:\n    raise ValueError #!\nreturn x", "`raise` or `assert`"),
    "assert": ("assert x > 0 #!\nreturn x", "`raise` or `assert`"),
    "with": ("with x: #!\n    return x", "`with`"),
    "del": ("y = x\ndel y #!\nreturn x", "`del`"),
    "import": ("import math #!\nreturn x", "`import`"),
    "global": ("y = 0\ndef f(x):\n    global y\n    y = x #!\n    return x", "`global` or `nonlocal`"),
    "yield": ("def f(x): #!\n    yield x", "`yield` or `async`"),
    "async": ("async def f(x): #!\n    return x", "`yield` or `async`"),
    "many arguments": ("def f(*x): #!\n    return x[0]", "the parameter `*x`"),
    "arguments by name": ("def f(x, **y): #!\n    return x", "the parameter `**y`"),
    "one by name alone": ("def f(x, *, y): #!\n    return x", "`y`, which is given by name alone"),
    "no parameters": ("def f(): #!\n    return 1.0", "must have an input"),
    "a default": ("def f(x, y=1.0): #!\n    return x * y", "`y` must not have a default"),
    "a helper's default": (
        "def g(x, y=None): #!\n    return x\ndef f(x):\n    return g(x)",
        "the default of `y` must be a number",
    ),
    "no return": ("x + 1 #!", "a path returns nothing"),
    "a path without a return": ("if x > 0: #!\n    return x #!", "a path returns nothing"),
    "no end": ("while True: #!\n    x += 1", "no path returns"),
    "tuples and numbers": ("if x > 0:\n    return x\nreturn x, x #!", "what is returned is a number on one"),
    "tuples of two lengths": ("if x > 0:\n    return x, x\nreturn x, x, x #!", "what is returned is"),
    "a tuple of one": ("def f(x): #!\n    return (x,)", "must be a number, or a tuple of two or more"),
    "a tuple of tuples": ("def f(x): #!\n    return x, (x, x)", "must be a number, or a tuple of two or more"),
    "a comparison returned": ("def f(x): #!\n    return x > 0", "must be a number"),
    "a sum of tuples": ("return x + (1.0, 2.0) #!", "`+` of a number and a tuple of 2"),
    "an unpacked number": ("a, b = x #!\nreturn a", "a number cannot be unpacked into 2"),
    "unpacked wrongly": ("a, b = x, x, x #!\nreturn a", "a tuple of 3 cannot be unpacked into 2"),
    "mixed branches": ("y = x if x > 0 else (x, x) #!\nreturn y #!", "on one path"),
    "a function chosen": (
        "if x > 0:\n    g = abs\nelse:\n    g = math.exp\nfor i in range(2): #!\n    x += g(x)\nreturn x",
        "`g` is `",
    ),
    "a wrong number of arguments": ("return math.exp(x, x) #!", "`math.exp` of a number, a number"),
    "an argument by name": ("return np.exp(x, out=x) #!", "`np.exp` takes no arguments by name"),
    "a helper's arguments": ("def g(x):\n    return x\ndef f(x):\n    return g(x, x) #!", "`g`: too many positional"),
    "a function as an argument": (
        "def g(h, x):\n    return h(x)\ndef f(x):\n    return g(math.exp, x) #!",
        "`math.exp` cannot be given",
    ),
    "unpacked arguments": ("return max(*(x, x)) #!", "`*` and `**` before an argument"),
    "a helper's line": ("def g(x):\n    return math.sin(x) #!\ndef f(x):\n    return g(x)", 'called (in f, "'),
}


def defined(source, name="f", file=FILE, **names):
    """Return a function of some source, or of a body."""
    if "def f(" not in source:
        source = "def f(x):\n" + textwrap.indent(source, "    ")
    space = {**NAMES, **names, "__name__": "functions_of_a_user"}
    exec(compile(source, file, "exec"), space)
    return space[name]


def refused(function):
    """Return the message by which a function is refused."""
    with pytest.raises(UnsupportedError) as error:
        capture(function)
    return str(error.value)


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_uses(wrong):
    source, text = WRONG[wrong]
    message = refused(defined(source))
    assert text in message
    # Versions of Python differ in some that have no place of their own.
    first = 1 if "def f(" in source else 2
    lines = [number for number, line in enumerate(source.splitlines(), first) if line.endswith("#!")]
    assert any(
        f'(in f, "{FILE}", line {line})' in message or f'"{FILE}", line {line}), called (in f,' in message
        for line in lines
    )


def test_too_many_inputs():
    """Of functions whose gradients no ufunc could compute; a user's own gradient has more."""
    inputs = [f"x{index}" for index in range(32)]
    many, most = (defined(f"def f({', '.join(names)}): return x1") for names in (inputs, inputs[1:]))
    with pytest.raises(UnsupportedError, match=r"must have 31 inputs at most; got 32 \(in f,"):
        numbaexp.elementwise(many)
    assert numbaexp.elementwise(most).nin == 31
    assert capture(many).arguments == tuple(inputs)


@pytest.mark.parametrize("given", [int, np.exp, math.exp, np.vectorize(math.sin), 3.0, "x", None, numbaexp.exp])
def test_what_is_no_function(given):
    assert "`function` must be a Python function of numbers; got " in refused(given)


RIGHT = {
    "arithmetic": "return -x * 2 + (+x - 1) / 3.0",
    "a branch": "if x > 1:\n    return x\nreturn 2.0",
    "a conditional expression": "return x if 0 < x <= 1 and not x == 0.5 or x > 2 else -x",
    "conditions of bools": "return x if (x > 0) & (x < 3) else 1.0 if (x < 2) ^ (x < 1) else 2.0",
    "a comparison as a number": "return (x > 0) * x",
    "a number as a condition": "return 1.0 if x else 0.0",
    "a loop": "s = 0.0\nfor i in range(1, 7, 2):\n    s += x * i\nreturn s",
    "nested loops": "s = 0\nfor i in range(4):\n    for j in range(i):\n        s += x / (j + 1 + i % 2)\nreturn s",
    "break": "s = x\nfor i in range(9):\n    if s > 20:\n        break\n    s += i // 2\nreturn s",
    "continue": "s = x\nfor i in range(9):\n    if i % 3 == 1:\n        continue\n    s += i\nreturn s",
    "a while loop": "n = 0\nwhile x > 1:\n    x /= 2\n    n += 1\nreturn x + n",
    "a loop over a tuple": "s = 0.0\nfor c in (3.0, 2.0, 1.0):\n    s = s * x + c\nreturn s",
    "a tuple unpacked": "a, b = x, 2 * x\na, b = b, a\nreturn a - 3 * b",
    "an item of a tuple": "return (x, 2 * x)[1] + COEFFICIENTS[-1]",
    "powers": "return x**3 + x**-2 + x**0 + x**N",
    "an augmented power": "x **= 2\nreturn x",
    "least and greatest": "return min(x, 2, 1.5) + max(x, 0.5)",
    "functions": "return abs(x - 2) + math.fabs(x - 2) + np.abs(-x) + math.sqrt(x) + np.sqrt(x)",
    "of constants": "return x * np.sqrt(2 * math.pi) * abs(N - 5) * min(N, 4)",
    "a choice": "return np.where(x > 1, x, 2.0)",
    "constants of modules": "return x * math.pi + np.e - (0.0 if x < math.inf else np.nan)",
    "globals": "return x * RATE * HALF + N",
    "a variable of two types": "s = x > 1\ns = 1.0 if s else 2.0\nreturn s * x",
    "a name for a function": "root = math.sqrt\nreturn root(x)",
    "helpers": "s, t = helper(x, n=3)\nreturn s + t + helper(x)[0] + compiled(x)",
}  # fmt: skip


number, plain = make_number("float64"), make_float("float64")


def value_of(captured, x):
    """Return what a captured function of one input gives for a float."""
    function = captured.function
    return numba.njit(lambda x: plain(function(number(x))))(x)


def helper(x, n=2):
    s = 0.0
    for i in range(n):
        s += x * i
    return s, N


@numba.njit(fastmath=True)
def compiled_helper(x):
    return x * RATE


HALF, RATE, N, COEFFICIENTS = np.float32(0.5), 0.1, 3, (1.0, 0.25)
USED = {"HALF": HALF, "RATE": RATE, "N": N, "COEFFICIENTS": COEFFICIENTS, "helper": helper, "compiled": compiled_helper}


@pytest.mark.sampled(right=("nested loops", "a variable of two types", "a choice", "helpers", "constants of modules"))
@pytest.mark.parametrize("right", RIGHT)
def test_right_uses(right):
    captured = capture(defined(RIGHT[right], **USED))
    # NumPy's own scalar would make Python's numbers narrower.
    function = defined(RIGHT[right], **{**USED, "HALF": 0.5})
    assert (captured.arguments, captured.results) == (("x",), 1)
    for x in (0.25, 1.0, 2.5):
        assert value_of(captured, x) == pytest.approx(float(function(x)), rel=1e-15)


def test_results():
    assert capture(defined("return x, 2 * x, 1.0")).results == 3
    assert capture(lambda x, y: (x, y)).arguments == ("x", "y")


def test_names_of_functions():
    """Those of Python and NumPy are numbaexp's, which the elementwise function sees by the names that it has."""
    source = "from numbaexp import expit as e\ndef f(x): return e(x) + numbaexp.exp10(x) + math.expm1(x) + np.exp2(x)"
    names = capture(defined(source)).function.py_func.__globals__
    assert names["e"] is FUNCTIONS["sigmoid"]
    assert names["numbaexp"].exp10 is FUNCTIONS["exp10"]
    assert names["math"].expm1 is FUNCTIONS["expm1"]
    assert names["np"].exp2 is FUNCTIONS["exp2"]
    assert not hasattr(names["math"], "exp")


class Elementwise:
    """Stand for what the decorator makes."""

    def __init__(self, function):
        captured = capture(function)
        self.operation = CustomOperation(
            "g", captured.arguments, captured.function, captured.digest, results=captured.results
        )

    def __call__(self, *args):
        raise AssertionError("the captured function is called, not this")


def test_another_elementwise_function():
    g = Elementwise(defined("def f(x, y): return x * 2, x + y"))
    assert value_of(capture(defined("a, b = g(x, 1)\nreturn a / b", g=g)), 3.0) == 1.5
    message = refused(defined("a, b = g(x)\nreturn a / b", g=g))
    assert "`g` takes 2 numbers; got a number (in f," in message
    assert "`g` takes 2 numbers; got a constant, a constant" in refused(defined("return x + g(1.0, 2.0)[0]", g=g))


def test_later_changes_have_no_effect():
    """Of globals, of a helper's, of modules, of closures, of names that stand for helpers."""
    module = types.ModuleType("module")
    module.RATE = 3.0
    space = {"RATE": 2.0, "module": module}
    exec("def g(x): return x * RATE\ndef f(x): return g(x) * RATE * module.RATE", space)
    captured = capture(space["f"])
    space["RATE"] = module.RATE = 10.0
    del space["g"]
    assert value_of(captured, 1.0) == 12.0

    def make(rate):
        def function(x):
            return x * rate

        before = capture(function)
        rate = 5.0
        return before, capture(function)

    assert [value_of(each, 1.0) for each in make(4.0)] == [4.0, 5.0]


def digest(source, **names):
    return capture(defined(source, **names)).digest


def module_with(value):
    module = types.ModuleType("module")
    module.a, module.b = value, 2.0
    return module


# Pairs of functions that differ: each of a source and names, of which the second has what is not said in common.
HELPER = "def g(x, y=1.0): return {}\ndef f(x): return g(x)"
INNER = "def h(x): return {}\ndef g(x): return h(x)\ndef f(x): return g(x)"
LOOP = "for i in range({}):\n    x += i\nreturn x"
APART = {
    "constants": (("return x + 1.0",), ("return x + 2.0",)),
    "types of constants": (("return x + 1.0",), ("return x + 1",)),
    "integers and bools": (("return x + 1",), ("return x + True",)),
    "signs of zeros": (("return x + 0.0",), ("return x + -0.0",)),
    "nearest constants": (("return x + 0.1",), (f"return x + {math.nextafter(0.1, 1.0)!r}",)),
    "operators": (("return x + 1.0",), ("return x - 1.0",)),
    "names of inputs": (("def f(x): return x",), ("def f(y): return y",)),
    "orders of inputs": (("def f(x, y): return x - y",), ("def f(x, y): return y - x",)),
    "numbers of inputs": (("def f(x): return x",), ("def f(x, y): return x",)),
    "inputs and variables": (("def f(x, y): return x",), ("def f(x):\n return x\n y = x",)),
    "globals": (("return x * a", {"a": 1.0}), ("return x * a", {"a": math.nextafter(1.0, 2.0)})),
    "types of globals": (("return x * a", {"a": 1.0}), ("return x * a", {"a": 1})),
    "globals of bool": (("return x * a", {"a": 1}), ("return x * a", {"a": True})),
    "signs of globals": (("return x * a", {"a": 0.0}), ("return x * a", {"a": -0.0})),
    "globals of NumPy": (("return x * a", {"a": np.float32(0.1)}), ("return x * a", {"a": 0.1})),
    "names of globals": (("return x * a - b", {"a": 1.0, "b": 2.0}), ("return x * b - a", {"a": 1.0, "b": 2.0})),
    "values of globals": (("return x * a - b", {"a": 1.0, "b": 2.0}), ("return x * a - b", {"a": 2.0, "b": 1.0})),
    "functions": (("return a(x)", {"a": math.exp}), ("return a(x)", {"a": math.expm1})),
    "names for functions": (("return a(b(x))", {"a": abs, "b": np.exp}), ("return a(b(x))", {"b": abs, "a": np.exp})),
    "tuples": (("return x * a[0]", {"a": (1.0, 2.0)}), ("return x * a[0]", {"a": (1.0, 2.0, 3.0)})),
    "values of modules": (("return x * m.a", {"m": module_with(1.0)}), ("return x * m.a", {"m": module_with(2.0)})),
    "names of modules": (("return x * m.a", {"m": module_with(2.0)}), ("return x * m.b", {"m": module_with(2.0)})),
    "helpers": ((HELPER.format("x"),), (HELPER.format("-x"),)),
    "globals of helpers": ((HELPER.format("x * a"), {"a": 1.0}), (HELPER.format("x * a"), {"a": 2.0})),
    "globals of their helpers": ((INNER.format("x * a"), {"a": 1.0}), (INNER.format("x * a"), {"a": 2.0})),
    "helpers' defaults": ((HELPER.format("x * y"),), (HELPER.format("x * y").replace("1.0", "2.0"),)),
    "compiled helpers": (("return g(x)", {"g": compiled_helper}), ("return g(x)", {"g": numba.njit(lambda x: x * N)})),
    "elementwise functions": (
        ("return g(x)", {"g": Elementwise(lambda x: x * 2)}),
        ("return g(x)", {"g": Elementwise(lambda x: x * 3)}),
    ),
    "loops": ((LOOP.format(2),), (LOOP.format(3),)),
}  # fmt: skip


@pytest.mark.parametrize("apart", APART)
def test_what_differs_has_another_hash(apart):
    first, second = APART[apart]
    digests = [capture(defined(source, **dict(*names))).digest for source, *names in (first, second)]
    assert len(digests[0]) == 64
    assert digests[0] != digests[1]


def test_closures_that_differ():
    def make(a, b):
        return capture(lambda x: x * a + b).digest

    pairs = [(1.0, 2.0), (2.0, 1.0), (1, 2.0), (True, 2.0), (1.0, -2.0)]
    assert len({make(*pair) for pair in pairs}) == len(pairs)


SAME = "def g(x): return x * RATE\n\ndef f(x):\n    return g(x) + numbaexp.exp(x)"


def test_the_same_function_has_one_hash():
    """Wherever it stands, however often it has run, with other values beside those that it uses."""
    first = defined(SAME, RATE=2.0)
    moved = defined(
        "import os\n\n\n" + SAME.replace("    return", '    "Documented."\n\n    return'), RATE=2.0, file="b.py"
    )
    digests = {capture(each).digest for each in (first, moved, numba.njit(first))}
    # Python rewrites the bytecode of what runs often.
    for _ in range(100):
        first(1.0)
    digests.add(capture(first).digest)
    assert len(digests) == 1


numbers = st.one_of(st.integers(-3, 3), st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, math.inf]))


@st.composite
def expressions(draw):
    """The source of a function, and its names."""
    names = {name: draw(numbers) for name in ("a", "b")}
    terms = draw(st.lists(st.sampled_from(["x", "a", "b", "1.0", "1", "m.a", "m.b"]), min_size=1, max_size=3))
    source = "x" + "".join(f" {draw(st.sampled_from('+-*'))} {term}" for term in terms)
    return source, names, draw(st.booleans())


def used(source, names):
    """Return all that the function of a source is made of, once Python has folded products of constants."""
    code = compile(source, "", "eval")
    values = tuple((name, type(value), repr(value)) for name, value in names.items() if name in source)
    return (code.co_code, repr(code.co_consts), code.co_names), values


@pytest.mark.thorough
@settings(deadline=None)
@given(st.lists(expressions(), min_size=2, max_size=8))
def test_hashes_are_equal_of_equal_functions_alone(functions):
    hashes = {}
    for source, names, helped in functions:
        module = types.ModuleType("m")
        vars(module).update(names)
        text = f"def g(x): return {source}\ndef f(x): return g(x)" if helped else f"return {source}"
        digest = capture(defined(text, m=module, **names)).digest
        key = (used(source, names), helped)
        assert hashes.setdefault(digest, key) == key
        assert list(hashes.values()).count(key) == 1
