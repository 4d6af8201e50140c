import numba

from typing import NamedTuple, Any
from numbaexp.jit import jit
from numbaexp.dual.functions import FUNCTIONS
import numbaexp, types, inspect, hashlib
class Captured(NamedTuple):
    function: Any
    digest: str
    arguments: Any
    results: int
def capture(function):
    g = {n: v for n, v in function.__globals__.items() if n in function.__code__.co_names}
    g["numbaexp"] = types.SimpleNamespace()
    names = function.__code__.co_names
    g2 = {}
    for n in FUNCTIONS: g2[n] = FUNCTIONS[n]
    mod = types.ModuleType("fake"); mod.__dict__.update(g2)
    g["numbaexp"] = mod
    f = types.FunctionType(function.__code__, g, function.__name__, function.__defaults__, function.__closure__)
    d = hashlib.sha256(function.__code__.co_code + repr(function.__code__.co_consts).encode()+repr(names).encode()).hexdigest()
    return Captured(jit(f), d, tuple(inspect.signature(function).parameters), getattr(function, "results", 1))
