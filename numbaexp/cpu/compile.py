"""Machine code of the functions of this room: carried by the package, else kept on disk, else compiled now."""

from typing import Any

from numbaexp.cache.carried import find
from numbaexp.cpu.machine_code import Loaded, load
from numbaexp.once import LOCK

# Of an inner loop, by NumPy's C API: pointers to operands, to the length, to the steps in bytes, to data of the loop's.
LOOP = "void(CPointer(intp), CPointer(intp), CPointer(intp), CPointer(intp))"

_ROOM = __name__.rpartition(".")[0]


def compile_kernel(
    name: str,
    function: str,
    signature: str,
    *,
    arguments: tuple[Any, ...] | None = None,
    options: dict[str, Any] | None = None,
    modules: tuple[str, ...] = (),
    digest: str = "",
    parallel: bool = False,
) -> Loaded:
    """Return the machine code of a function, which stays for as long as the process lives.

    Parameters
    ----------
    name : str
        Its own among all of the package: that of a file, and of symbols.
    function : str
        The module of this room, and the name in it. The module is imported when the function is compiled.
    signature : str
        As Numba reads it.
    arguments : tuple, optional
        What the named function is called with, and ``options`` by name, to make the one that is compiled; without
        them it is that one.
    modules : tuple of str
        That the function is made of, besides its own and those that they import.
    digest : str
        Of what else it is made of.
    parallel : bool
        Whether the function has loops for Numba's threads, which are there then.
    """
    module, _, attribute = function.rpartition(".")
    sources = (f"{_ROOM}.{module}", *modules)
    with LOCK:
        code = find(name, sources)
        if code is None or parallel:
            # Code from the package needs no Numba, but for its threads.
            from numbaexp.cpu import numba_compiler

            if parallel:
                numba_compiler.start_run_time()
            if code is None:
                made_by = numba_compiler.MadeBy(sources[0], attribute, arguments, options or {})
                code = numba_compiler.compiled(name, made_by, signature, sources, digest, parallel)
        return load(code)
