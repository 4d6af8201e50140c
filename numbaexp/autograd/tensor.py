"""Tensors: arrays that record what is computed of them."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from numbaexp.autograd.arithmetic import Arithmetic
from numbaexp.autograd.differentiate import accumulate
from numbaexp.autograd.graph import Node
from numbaexp.autograd.recording import Variable, module_of
from numbaexp.rows_dispatch import FLOATS, plain


class Tensor(Arithmetic):
    """An array of NumPy or CuPy, and, where it requires grad, how it was computed. :func:`tensor` makes one.

    It has ``+ - * / ** @`` and their forms in place, indexing, ``sum``, ``mean``, ``reshape``, ``transpose``, ``T``,
    ``astype``, ``clone`` and ``log``, by NumPy's conventions, and the functions of this package take it. Comparisons
    give arrays. NumPy's own functions refuse it.

    Attributes
    ----------
    data : array
        The elements. What is written to them is not recorded; an array that is assigned counts as a change in place.
    grad : Tensor or None
        The sum of the gradients that :meth:`backward` has found, of a leaf.
    grad_fn : object or None
        The operation that made it, of a tensor that is no leaf: ``<ExpBackward>``.
    requires_grad : bool
        Whether gradients with respect to it can be asked for.
    is_leaf : bool
        Whether it was made by the user, or of nothing that requires grad.
    shape, ndim, size, dtype
        Those of ``data``.

    Notes
    -----
    Accuracy: the functions of this package and their gradients are computed as they are of arrays; all else is NumPy's.

    Special values: as of arrays.

    A change in place of a tensor whose values a gradient needs is noticed when that is computed, and refused. Views
    share this. What is written to an array of NumPy's that was an operand, or to ``data``, goes unnoticed.

    Examples
    --------
    >>> import numbaexp
    >>> from numbaexp import autograd
    >>> x = autograd.tensor([0.0, 1.0], requires_grad=True)
    >>> y = numbaexp.exp(x)
    >>> y
    tensor([1.        , 2.71828183], grad_fn=<ExpBackward>)
    >>> (y * y).sum().backward()
    >>> x.grad
    tensor([ 2.       , 14.7781122])
    """

    __slots__ = ()

    @property
    def data(self) -> Any:
        return self._elements

    @data.setter
    def data(self, array: Any) -> None:
        if module_of(array) is not module_of(self._elements) or not isinstance(array, type(self._elements)):
            raise TypeError(f"`data` must be an array as before; got {type(array).__name__}")
        if array.shape != self._elements.shape or array.dtype != self._elements.dtype:
            raise ValueError(
                f"`data` must be of shape {self.shape} and type {self.dtype}; got {array.shape} and {array.dtype}"
            )
        self._elements = array
        self._version.changes += 1

    @property
    def grad(self) -> "Tensor | None":
        return self._grad

    @grad.setter
    def grad(self, value: "Tensor | None") -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"`grad` must be a tensor or None; got {type(value).__name__}")
            if value.shape != self.shape:
                raise ValueError(f"`grad` must be of the shape of the tensor, {self.shape}; got {value.shape}")
        self._grad = value

    @property
    def grad_fn(self) -> Node | None:
        return self._node

    @property
    def is_leaf(self) -> bool:
        return self._node is None

    @property
    def requires_grad(self) -> bool:
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, requires_grad: bool) -> None:
        self.requires_grad_(requires_grad)

    def requires_grad_(self, requires_grad: bool = True) -> "Tensor":
        """Change whether it requires grad, of a leaf; returns the tensor."""
        if self._node is not None:
            raise RuntimeError(
                "`requires_grad` can be changed of a leaf alone: `detach()` gives one of the same elements"
            )
        if requires_grad and self._elements.dtype.name not in FLOATS:
            raise TypeError(f"`requires_grad` needs elements of type {', '.join(FLOATS)}; got {self._elements.dtype}")
        self._requires_grad = bool(requires_grad)
        return self

    @property
    def shape(self) -> tuple[int, ...]:
        return self._elements.shape

    @property
    def ndim(self) -> int:
        return self._elements.ndim

    @property
    def size(self) -> int:
        return self._elements.size

    @property
    def dtype(self) -> np.dtype:
        return self._elements.dtype

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
        """Add the gradients with respect to the leaves that it was made of to their ``grad``.

        With ``create_graph`` leaves hold their own history in ``grad``, until that is set to None; :func:`grad` leaves
        them alone.

        Parameters
        ----------
        gradient : array_like, Tensor or None, optional
            The gradient of this tensor, of its shape; None is 1, where it has one element.
        retain_graph : bool or None, optional
            Whether what was saved is kept, to go through it again; None is as ``create_graph``.
        create_graph : bool, optional
            Whether the computation of the gradients is recorded, so that they can be differentiated in turn.
        """
        accumulate(self, gradient, retain_graph, create_graph)

    def zero_grad(self) -> None:
        """Forget the gradients found so far."""
        self._grad = None

    def detach(self) -> "Tensor":
        """A tensor of the same elements, in the same memory, that does not require grad."""
        detached = Tensor(self._elements, None, self._version)
        detached._recorded = None
        return detached

    def item(self) -> Any:
        """The only element, as a number of Python's."""
        return self._elements.item()

    def numpy(self) -> np.ndarray:
        """The array of NumPy's, of a tensor that does not require grad."""
        if self._requires_grad:
            raise RuntimeError("`numpy()` of a tensor that requires grad would lose its history: call `detach()` first")
        if not isinstance(self._elements, np.ndarray):
            raise TypeError(f"`numpy()` must be of a tensor on the CPU; got one of {type(self._elements).__module__}")
        return self._elements

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype, copy=copy)

    def __len__(self) -> int:
        return len(self._elements)

    def __iter__(self) -> Iterator["Tensor"]:
        return (self[place] for place in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self._elements)

    def __float__(self) -> float:
        return float(self._elements)

    def __repr__(self) -> str:
        # CuPy's arrays have ``get``.
        array = self._elements if isinstance(self._elements, np.ndarray) else self._elements.get()
        parts = [np.array2string(array, separator=", ", prefix="tensor(")]
        if array.dtype not in (np.float64, np.int64, np.bool_):
            parts.append(f"dtype={array.dtype}")
        if self._node is not None:
            parts.append(f"grad_fn={self._node}")
        elif self._requires_grad:
            parts.append("requires_grad=True")
        return f"tensor({', '.join(parts)})"


def tensor(data: Any, *, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of an array's elements.

    Parameters
    ----------
    data : array_like, CuPy array or Tensor
        The elements.
    requires_grad : bool, optional
        Whether operations on it are recorded, so that gradients with respect to it can be asked for.

    Returns
    -------
    Tensor
        A leaf, where ``data`` is: on the CPU, or on a device in an array of CuPy's.

    Raises
    ------
    TypeError
        If it is to require grad and is not of type float16, bfloat16, float32 or float64, or is a masked array.

    See Also
    --------
    no_grad : to record nothing.

    Notes
    -----
    Accuracy: the elements are copied.

    Special values: as they are.

    Examples
    --------
    >>> import numbaexp
    >>> from numbaexp import autograd
    >>> x = autograd.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> numbaexp.exp(x).sum().backward()
    >>> x.grad
    tensor([ 2.71828183,  7.3890561 , 20.08553692])
    """
    if isinstance(data, Variable):
        data = data._elements
    array = np.array(plain(data, "data")) if module_of(data) is np else data.copy()
    return Tensor(array).requires_grad_(requires_grad)
