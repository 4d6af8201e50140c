"""Needs of users' compiled code in the process that it runs in, be it compiled there or read from Numba's cache.

Numba keeps the constants of functions along with their machine code, those of the functions that they call too. One of
ours sees to what is needed when it is unpickled, before the code is linked. If it cannot, Numba takes the file for one
that is gone, and compiles anew.
"""

import functools
import sys
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import types
from numba.core.environment import lookup_environment
from numba.extending import intrinsic
from numba.np.ufunc.wrappers import GufWrapperCache

from numbaexp.cpu import row_functions, ufunc
from numbaexp.cpu.array_walk import compiled_walk
from numbaexp.cpu.variants import symbol_of
from numbaexp.version import __version__

# A kernel by the names that ``numbaexp.cpu.kernels`` gives it, or a walk over arrays by its name alone.
Kernel = tuple[str, ...]


def _address_of(kernel: Kernel) -> int:
    match kernel:
        case (name,):
            return compiled_walk(name).address
        case (name, dtype):
            return ufunc.serial_loop(name, dtype).address
        case _:
            return row_functions.kernel(*kernel)


class Need:
    """A kernel, or none, and this version of the package."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        if kernel:
            llvm.add_symbol(self.symbol, _address_of(kernel))
        _keep_no_wrappers()

    @property
    def symbol(self) -> str:
        """The name by which code calls the kernel."""
        return symbol_of("_".join(("kernel", *self.kernel)).replace(" ", "_"))

    def __reduce__(self) -> tuple[Any, ...]:
        return _meet, (__version__, self.kernel)


def _meet(version: str, kernel: Kernel) -> Need:
    _check(version == __version__)
    return Need(kernel)


class NeedOfFunction(Need):
    """Require that a module's function of a name, which a user has written, has a digest."""

    def __init__(self, module: str, name: str, digest: str) -> None:
        super().__init__(())
        self._function = module, name, digest

    def __reduce__(self) -> tuple[Any, ...]:
        return _meet_function, (__version__, *self._function)


def _meet_function(version: str, module: str, name: str, digest: str) -> Need:
    # Whoever calls it has imported its module.
    found: Any = sys.modules.get(module)
    for each in name.split("."):
        found = getattr(found, each, None)
    operation = getattr(found, "operation", None)
    _check(version == __version__ and operation is not None and operation.digest == digest)
    return NeedOfFunction(module, name, digest)


def _check(is_met: bool) -> None:
    if not is_met:
        raise FileNotFoundError("compiled with other functions than these")


def _has_needs(library: Any) -> bool:
    """Tell whether compiled code has needs, by the environments that it names."""
    named = (lookup_environment(each.name) for each in library._final_module.global_variables)
    return any(isinstance(constant, Need) for each in named if each is not None for constant in each.consts)


@functools.cache
def _keep_no_wrappers() -> None:
    """Have Numba keep no wrappers of generalized ufuncs that have needs: it keeps their code without constants."""
    implementation = GufWrapperCache._impl_class
    check = implementation.check_cachable

    def check_cachable(self: Any, library: Any) -> bool:
        return check(self, library) and not _has_needs(library)

    implementation.check_cachable = check_cachable


# The environments, which Numba looks up by their names and does not hold itself.
_environments: list[Any] = []


def keep(context: Any, builder: Any, need: Any) -> None:
    """Keep a need along with the function that is being compiled."""
    context.environment.consts.append(need)
    _environments.append(context.environment)
    # The environments that code names are kept with it.
    context.declare_env_global(builder.module, context.get_env_name(context.fndesc))


def address_of(context: Any, builder: Any, kernel: Kernel) -> Any:
    """Emit the address of a kernel as an int64."""
    need = Need(kernel)
    keep(context, builder, need)
    kind = ir.FunctionType(ir.VoidType(), [])
    function = builder.module.globals.get(need.symbol) or ir.Function(builder.module, kind, need.symbol)
    return builder.ptrtoint(function, ir.IntType(64))


@intrinsic
def of_this_version(typingctx):
    """Have the calling function compiled anew where it is read from Numba's cache under another version."""

    def codegen(context, builder, signature, args):
        keep(context, builder, Need(()))
        return context.get_dummy_value()

    return types.none(), codegen
