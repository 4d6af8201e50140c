"""Objects with ``__torch_function__`` other than tensors, such as the proxies of ``torch.fx``."""

import inspect
from typing import Any

from torch.overrides import handle_torch_function

from numbaexp import public
from numbaexp.engine.functions import function_of
from numbaexp.operations import Operation


def intercept(operation: Operation, arrays: tuple[Any, ...], out: Any, options: dict[str, Any]) -> Any:
    """Call ``__torch_function__`` for a public function, with the arguments that differ from their defaults."""
    if operation.is_custom:
        keywords = options if out is None else {"out": out, **options}
        return handle_torch_function(function_of(operation), arrays, *arrays, **keywords)
    function = getattr(public, operation.name)
    signature = inspect.signature(function)
    required = [array for array, name in zip(arrays, operation.arrays, strict=True) if name not in operation.optional]
    optional = dict(zip(operation.arrays[len(required) :], arrays[len(required) :], strict=True))
    keywords = {**optional, **options} if out is None else {**optional, "out": out, **options}
    signature.bind(*required, **keywords)
    given = {name: value for name, value in keywords.items() if value is not signature.parameters[name].default}
    return handle_torch_function(function, (*required, *given.values()), *required, **given)
