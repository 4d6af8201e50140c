"""Operands of users' functions: elements in memory as numbers of ``numbaexp.dual``, and results as elements."""

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from numbaexp.cpu.scalars_in_loops import rounded_scalar
from numbaexp.dual import scalars
from numbaexp.dual.conversions import make_float, make_number
from numbaexp.jit import jit
from numbaexp.scalar.forms import STORED_AS, itemsize
from numbaexp.scalar.ieee import bfloat_to_float, float_to_bfloat, float_to_half, half_to_float, scalar
from numbaexp.scalar.narrow import to_bfloat, to_half

scalars.register("cpu", rounded_scalar)

_TO_FLOAT = {"float16": half_to_float, "bfloat16": bfloat_to_float}
_ROUNDED = {
    "wide": {"float16": to_half, "bfloat16": to_bfloat},
    "float32": {"float16": float_to_half, "bfloat16": float_to_bfloat},
}


def kind_of(dtype: str, wide: bool) -> str:
    """Return the kind of the numbers that elements of a type are computed as."""
    return "float64" if dtype == "float64" else "wide" if wide else "float32"


def make_from_element(dtype: str, kind: str) -> Any:
    """Return ``number(element)``, of a float as it is stored."""
    number, to_float = make_number(kind), _TO_FLOAT.get(dtype, _same)
    value = np.float32 if kind == "float32" else np.float64

    @jit
    def from_element(element):
        return number(value(to_float(element)))

    return from_element


def make_to_element(dtype: str, kind: str) -> Any:
    """Return ``element(result)``, rounded once; a result may be a constant."""
    value_of, stored = make_float(kind), STORED_AS[dtype]

    @scalar
    def to_stored(x):
        return stored(x)

    round_to = _ROUNDED.get(kind, {}).get(dtype, to_stored)

    @jit
    def to_element(result):
        return round_to(value_of(result))

    return to_element


@scalar
def _same(x):
    return x


def make_access(dtype: str, outputs: int) -> tuple[Any, list[Any]]:
    """Return ``load(address, i)`` of an element, and for each output ``store(address, i, element)``.

    Results are stored nowhere else than to their own output, in memory that no input lies in. LLVM is told so: there
    are more pairs of operands than it would compare at run time.
    """
    size, element = itemsize(dtype), from_dtype(np.dtype(STORED_AS[dtype]))

    def scopes(module: Any) -> list[Any]:
        domain = module.add_metadata(["numbaexp custom"])
        return [module.add_metadata([f"output {k}", domain]) for k in range(outputs)]

    def pointer(context: Any, builder: Any, address: Any, i: Any) -> Any:
        return builder.gep(builder.inttoptr(address, context.get_value_type(element).as_pointer()), [i])

    @intrinsic
    def load(typingctx, address, i):
        def codegen(context, builder, signature, args):
            loaded = builder.load(pointer(context, builder, *args), align=size)
            loaded.set_metadata("noalias", builder.module.add_metadata(scopes(builder.module)))
            return loaded

        return element(address, i), codegen

    def make_store(k: int) -> Any:
        @intrinsic
        def store(typingctx, address, i, value):
            def codegen(context, builder, signature, args):
                stored = builder.store(args[2], pointer(context, builder, *args[:2]), align=size)
                own, others = scopes(builder.module)[k], scopes(builder.module)
                del others[k]
                stored.set_metadata("alias.scope", builder.module.add_metadata([own]))
                if others:
                    stored.set_metadata("noalias", builder.module.add_metadata(others))
                return context.get_dummy_value()

            return types.none(address, i, element), codegen

        return store

    return load, [make_store(k) for k in range(outputs)]
