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


def _is_wide(kind: Any) -> bool:
    return kind in (types.float32, types.float64) or isinstance(kind, (types.Integer, types.Boolean))


def _compute_for(operation: CustomOperation, kinds: tuple[Any, ...]) -> Any:
    """Return the compiled function of numbers of some types."""
    if len(kinds) != len(operation.arrays):
        raise TypingError(f"`{operation.name}` must be given {len(operation.arrays)} numbers; got {len(kinds)}")
    for label, kind in zip(operation.arrays, kinds, strict=True):
        if not _is_wide(kind):
            raise TypingError(
                f"`{label}` of `{operation.name}` must be a float32, float64, integer or bool; got {kind}"
            )
    # Imported here, as the scalars of the other target may lack what they need.
    if is_for_cuda():
        from numbaexp.cuda import custom_in_kernels as in_code
    else:
        from numbaexp.cpu import custom_in_code as in_code
    return in_code.make_compute(operation, "float32" if set(kinds) == {types.float32} else "float64")


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
                from numbaexp.cpu.custom_in_code import prepare

                prepare(context, builder, function.__module__, function.__qualname__, operation)
            return context.get_function(compute, typed)(builder, args)

        return typed.return_type(*given), codegen

    return _Type(call, function)


# What Numba asks a value for its type.
CustomFunction._numba_type_ = property(_type)
