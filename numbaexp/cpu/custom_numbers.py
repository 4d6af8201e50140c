"""Operands of users' functions in memory, and the scalars of the CPU that are called there."""

import functools
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from numbaexp.cpu.logaddexp_in_loops import number_of_two, vector_of_two
from numbaexp.cpu.scalars_in_loops import rounded_scalar, rounded_vector, wide_scalar
from numbaexp.dual import scalars
from numbaexp.scalar.forms import STORED_AS, itemsize

scalars.register("cpu", rounded_scalar, wide_scalar)
scalars.register("vectors", rounded_vector)
scalars.register_of_two("cpu", number_of_two)
scalars.register_of_two("vectors", vector_of_two)


@functools.cache
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
