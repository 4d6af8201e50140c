"""Functions that users have written by ``numbaexp.elementwise``, inside code that they compile."""

import functools
from typing import Any

from numba import types
from numba.core.errors import TypingError
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic, lower_getattr, models, register_model

from numbaexp.custom.operation import CustomOperation
from numbaexp.engine.custom_functions import CustomFunction
from numbaexp.integrations.numba.registering import is_for_cuda, type_of
from numbaexp.integrations.numba.scalars import scalars


def _functions() -> Any:
    """Return the module of users' functions for the target that is compiled for."""
    if is_for_cuda():
        from numbaexp.cuda import custom_in_kernels

        return custom_in_kernels
    from numbaexp.cpu import custom_in_code

    return custom_in_code


def _compute_for(operation: CustomOperation, kinds: tuple[Any, ...]) -> Any:
    """Return the compiled function of a tuple of numbers of some types."""
    name, type_for = operation.name, scalars().type_for
    if len(kinds) != len(operation.arrays):
        raise TypingError(f"`{name}` must be given {len(operation.arrays)} numbers; got {len(kinds)}")
    for label, kind in zip(operation.arrays, kinds, strict=True):
        if type_for((kind,)) is None:
            raise TypingError(f"`{label}` of `{name}` must be a number of a real type; got {kind}")
    dtype = type_for(kinds)
    if dtype is None:
        given = ", ".join(map(str, kinds))
        raise TypingError(f"numbers of `{name}` must be of one type where one has 16 bits; got {given}")
    return _functions().make_compute(operation, dtype)


class _Type(types.Function):
    """The type of a function, whose gradients are its attribute."""

    def __init__(self, call: Any, function: CustomFunction) -> None:
        super().__init__(type_of(call).templates)
        self.function = function


register_model(_Type)(models.OpaqueModel)


@infer_getattr
class _Attributes(AttributeTemplate):
    key = _Type

    def resolve_backward(self, kind: _Type) -> Any:
        return self.context.resolve_value_type(kind.function.backward)


@lower_getattr(_Type, "backward")
def _backward(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.get_dummy_value()


@functools.cache
def _type(function: CustomFunction) -> _Type:
    operation = function.operation

    @intrinsic
    def call(typingctx, *numbers):
        given = (types.StarArgTuple(numbers),)
        compute = typingctx.resolve_value_type(_compute_for(operation, numbers))
        typed = compute.get_call_type(typingctx, given, {})

        def codegen(context, builder, signature, args):
            if not is_for_cuda():
                _functions().prepare(context, builder, function)
            return context.get_function(compute, typed)(builder, args)

        return typed.return_type(*given), codegen

    return _Type(call, function)


# What Numba asks a value for its type.
CustomFunction._numba_type_ = property(_type)  # type: ignore[attr-defined]
