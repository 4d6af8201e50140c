"""The types of the elementwise functions, for type checkers: at run time they are of ``UfuncLike``."""

from collections.abc import Callable
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, overload

import numpy as np

_Array = TypeVar("_Array")
Function = TypeVar("Function", bound=Callable[..., Any])
_Casting: TypeAlias = Literal["no", "equiv", "safe", "same_kind", "unsafe"]
_Order: TypeAlias = Literal["K", "A", "C", "F"] | None


class Ufunc(Protocol):
    """Declare the attributes and methods that an elementwise function has, as a NumPy ufunc has them."""

    __name__: str
    __qualname__: str

    @property
    def nin(self) -> int: ...
    @property
    def nout(self) -> int: ...
    @property
    def nargs(self) -> int: ...
    @property
    def ntypes(self) -> int: ...
    @property
    def types(self) -> list[str]: ...
    @property
    def identity(self) -> None: ...
    @property
    def signature(self) -> None: ...

    def at(self, a: Any, indices: Any, b: Any = ..., /) -> None: ...
    def accumulate(self, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any: ...
    def outer(self, A: Any, B: Any, /, **kwargs: Any) -> Any: ...  # noqa: N803
    def reduce(
        self,
        array: Any,
        axis: int | tuple[int, ...] | None = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = ...,
        where: Any = True,
    ) -> Any: ...
    def reduceat(self, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any: ...


class UnaryUfunc(Ufunc, Protocol):
    """Declare the calls of a function of one argument."""

    @overload
    def __call__(self, x: float, /) -> np.float64: ...
    @overload
    def __call__(
        self,
        x: Any,
        /,
        out: Any = None,
        *,
        where: Any = True,
        casting: _Casting = "same_kind",
        order: _Order = "K",
        dtype: Any = None,
        subok: bool = True,
        signature: Any = None,
    ) -> Any: ...


class BinaryUfunc(Ufunc, Protocol):
    """Declare the calls of a function of two arguments."""

    @overload
    def __call__(self, x1: float, x2: float, /) -> np.float64: ...
    @overload
    def __call__(
        self,
        x1: Any,
        x2: Any,
        /,
        out: Any = None,
        *,
        where: Any = True,
        casting: _Casting = "same_kind",
        order: _Order = "K",
        dtype: Any = None,
        subok: bool = True,
        signature: Any = None,
    ) -> Any: ...


class CustomUfunc(Ufunc, Protocol):
    """Declare the calls of a function of any number of arguments, which has its gradients as an attribute."""

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any: ...
    @property
    def backward(self) -> "CustomUfunc": ...
    def gradient(self, function: Function) -> Function: ...


class BinaryUfuncWithGradients(BinaryUfunc, Protocol):
    """Declare the calls of a function of two arguments, which has its gradients as an attribute."""

    @property
    def backward(self) -> CustomUfunc: ...


class InPlace(Protocol):
    """Declare the calls of the in-place form of a function."""

    __name__: str

    def __call__(self, x: _Array, /) -> _Array: ...
