"""Objects with ``__torch_function__`` that are no tensors, such as the proxies that ``torch.fx`` traces with."""

import inspect
from typing import Any

from torch.overrides import handle_torch_function

import numbaexp


def record(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Hand a call of the public function ``name`` on to them, with the arguments that differ from their defaults."""
    function = getattr(numbaexp, name)
    signature = inspect.signature(function)
    signature.bind(*args, **kwargs)
    given = {key: value for key, value in kwargs.items() if value is not signature.parameters[key].default}
    return handle_torch_function(function, (*args, *given.values()), *args, **given)
