"""Users' functions are checked where they are defined, and captured as they are then."""

import math
import textwrap

import numba
import numpy as np
import pytest

import numbaexp
from numbaexp.custom.capture import capture
from numbaexp.custom.unsupported import UnsupportedError

FILE = "functions_of_a_user.py"
NAMES = {"math": math, "np": np, "numba": numba, "numbaexp": numbaexp}

# What is wrong, in a function `f` of `x`, or in its body, and a part of the message. The line is that of the mark.
WRONG = {
    "an unsupported function": ("return math.sin(x) #!", "`math.sin` is not one whose bits are the same"),
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
    "a string": ("y = 'text' #!\nreturn x", "a constant of type str"),
    "strings compared": ("return x if 'a' == 'b' else -x #!", "a constant of type str"),
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
    "try": ("try:\n    x = 1 / x #!\nexcept ZeroDivisionError: #!\n    x = 0.0\nreturn x", "`try`"),
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
    "mixed branches": ("y = x if x > 0 else (x, x) #!\nreturn y", "on one path"),
    "a function chosen": ("if x > 0:\n    g = math.exp\nelse:\n    g = math.expm1\nreturn g(x) #!", "`g` is `math."),
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
    inputs = [f"x{index}" for index in range(32)]
    assert "must have 31 inputs at most; got 32 (in f," in refused(defined(f"def f({', '.join(inputs)}): return x0"))
    assert capture(defined(f"def f({', '.join(inputs[1:])}): return x1")).arguments == tuple(inputs[1:])


@pytest.mark.parametrize("given", [int, np.exp, math.exp, np.vectorize(math.sin), 3.0, "x", None, numbaexp.exp])
def test_what_is_no_function(given):
    assert "`function` must be a Python function of numbers; got " in refused(given)
