"""Tensors: arrays with the operations that made them."""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

import numbaexp.autograd.operations as ops
from numbaexp.autograd.backward import accumulate
from numbaexp.autograd.graph import Input, Node, Saved, Version, needed
from numbaexp.autograd.recording import is_recording
from numbaexp.backends.numpy import as_ndarray
from numbaexp.derivatives.arrays import module_of
from numbaexp.derivatives.rule import Rule
from numbaexp.scalar.forms import FLOATS

_Binary = Callable[[Any, Any], Any]
_NO_OPTIONS: Mapping[str, Any] = {}


def apply(
    rule: Rule,
    arguments: Sequence[Any],
    compute: Callable[..., Any],
    options: Mapping[str, Any] = _NO_OPTIONS,
    *,
    into: "Tensor | None" = None,
    view: bool = False,
) -> Any:
    """Compute on the arrays of ``arguments``, and record the operation where one of them requires grad.

    With ``into``, which is the first argument, its array is changed in place. With ``view`` the result may share memory
    with the first argument.
    """
    is_enabled = is_recording()
    arrays, wanted = [], []
    for argument in arguments:
        if isinstance(argument, Tensor):
            arrays.append(argument._elements)
            wanted.append(is_enabled and argument._requires_grad)
            if is_enabled:
                argument._check_history()
        else:
            arrays.append(argument)
            wanted.append(False)
    node = None
    saved: dict[str, Saved] = {}
    if True in wanted:
        if into is not None:
            into._check_change(rule)
        inputs, names = [], needed(rule, tuple(wanted))
        for name, argument, array, is_wanted in zip(rule.arguments, arguments, arrays, wanted, strict=True):
            if is_wanted:
                inputs.append(Input(argument._edge, name, array.shape, array.dtype))
            if name in names:
                saved[name] = _saved(argument, into)
        node = Node(rule, options, inputs, saved)
    result = compute(*arrays)
    if into is not None:
        made = into
        made._change(node)
    else:
        is_view = view and module_of(result).may_share_memory(result, arrays[0])
        made = Tensor(result, node, arguments[0]._version if is_view else None)
    if node is not None and "result" in names:
        saved["result"] = Saved(made._elements, made._version, made._version.changes, None)
    return made


def _saved(argument: Any, into: "Tensor | None") -> Saved:
    """Save an argument, as a copy where the operation changes it in place."""
    if not isinstance(argument, Tensor):
        return Saved(argument, None, 0, None)
    if argument is into:
        return Saved(argument._elements.copy(), None, 0, argument._edge)
    return Saved(argument._elements, argument._version, argument._version.changes, argument._edge)


def _array_of(value: Any) -> Any:
    """Return the array of a tensor, and anything else as given."""
    return value._elements if isinstance(value, Tensor) else value


def _is_array(value: Any) -> bool:
    """Tell whether a value is a tensor or an array of NumPy or CuPy; subclasses have an arithmetic of their own."""
    return isinstance(value, Tensor) or type(value) is np.ndarray or module_of(value) is not np


def _is_operand(value: Any) -> bool:
    return isinstance(value, (int, float, np.number, np.bool_)) or _is_array(value)


def _operators(rule: Rule, compute: _Binary, compute_in_place: _Binary) -> tuple[_Binary, ...]:
    """Make an operator, its reflection and its form in place."""

    def operate(self: "Tensor", other: Any) -> Any:
        return apply(rule, (self, other), compute) if _is_operand(other) else NotImplemented

    def reflected(self: "Tensor", other: Any) -> Any:
        return apply(rule, (other, self), compute) if _is_operand(other) else NotImplemented

    def in_place(self: "Tensor", other: Any) -> Any:
        return apply(rule, (self, other), compute_in_place, into=self) if _is_operand(other) else NotImplemented

    return operate, reflected, in_place


def _comparison(compute: _Binary) -> _Binary:
    return lambda self, other: compute(self._elements, _array_of(other))


def _matrix_product(a: Any, b: Any) -> Any:
    """Multiply matrices; one axis alone is a row on the left, and a column on the right."""
    is_row, is_column = a.ndim == 1, b.ndim == 1
    rows, columns = a.reshape(1, -1) if is_row else a, b.reshape(-1, 1) if is_column else b
    product = apply(ops.MATRIX_PRODUCT, (rows, columns), operator.matmul)
    *batch, height, width = product.shape
    shape = (*batch, *(() if is_row else (height,)), *(() if is_column else (width,)))
    return product.reshape(shape) if is_row or is_column else product


class Tensor:
    """Hold an array of NumPy or CuPy and, where it requires grad, the operation that made it; see :func:`tensor`.

    Tensors have ``+ - * / ** @`` and their forms in place, indexing, ``sum``, ``mean``, ``reshape``, ``transpose``,
    ``T``, ``astype``, ``clone``, ``masked_fill`` and ``log``, by NumPy's conventions, and the functions of this package
    take them. Comparisons give arrays. NumPy's own functions refuse tensors.

    Attributes
    ----------
    data : array
        The elements. Writes to them are not recorded; assigning an array counts as a change in place.
    grad : Tensor or None
        The sum of the gradients that :meth:`backward` has found, of a leaf.
    grad_fn : object or None
        The operation that made a tensor that is no leaf: ``<ExpBackward>``.
    requires_grad : bool
        Whether gradients with respect to the tensor can be asked for.
    is_leaf : bool
        Whether the user made the tensor, or nothing that it depends on requires grad.
    shape, ndim, size, dtype
        Those of ``data``.

    Notes
    -----
    Accuracy: the functions of this package and their gradients are computed as they are of arrays; all else is NumPy's.

    Special values: as of arrays.

    Changes in place of a tensor whose values a gradient needs are detected when that gradient is computed, and refused.
    Views count as the tensor. Writes to ``data``, or to an array of NumPy's that was an operand, are not detected.

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

    __slots__ = ("__weakref__", "_elements", "_grad", "_is_view", "_node", "_recorded", "_requires_grad", "_version")
    # NumPy's arrays leave their operators to ours, and its functions refuse, rather than lose the history.
    __array_ufunc__ = None

    def __array_function__(self, *_: Any) -> Any:
        return NotImplemented

    def __init__(self, data: Any, node: Node | None = None, version: Version | None = None):
        # NumPy makes scalars of arrays without axes. (Its masked arrays would take a ``_data``.)
        self._elements = np.asarray(data) if isinstance(data, np.generic) else data
        self._node = node
        self._requires_grad = node is not None
        self._grad: Any = None
        self._is_view = version is not None
        self._version = version or Version()
        # The number of recorded changes that the history includes; None where no history is kept.
        self._recorded: int | None = self._version.recorded

    @property
    def _edge(self) -> Any:
        """Return the node or the leaf that gradients go to, or None."""
        return self._node or self if self._requires_grad else None

    def _check_history(self) -> None:
        """Refuse a view from before a recorded change."""
        if self._recorded != self._version.recorded and self._recorded is not None:
            raise RuntimeError(
                "a view of a tensor does not know of the operation that has changed the tensor in place since: take "
                "the view after it"
            )

    def _check_change(self, rule: Rule) -> None:
        """Refuse changes in place that could not be recorded."""
        if self._requires_grad and self._node is None:
            raise RuntimeError(
                f"`{rule.name}` in place would change a leaf that requires grad: do so under `no_grad()`, or not in "
                "place"
            )
        if self._is_view:
            raise RuntimeError(
                f"`{rule.name}` in place would change a tensor through a view of it, which is not recorded: change the "
                "tensor itself, or do so under `no_grad()`, or not in place"
            )

    def _change(self, node: Node | None) -> None:
        """Count a change in place, which ``node`` records."""
        self._version.changes += 1
        if node is not None:
            self._version.recorded += 1
            self._recorded = self._version.recorded
            self._node, self._requires_grad = node, True

    @property
    def data(self) -> Any:
        return self._elements

    @data.setter
    def data(self, array: Any) -> None:
        if module_of(array) is not module_of(self._elements) or not isinstance(array, type(self._elements)):
            raise TypeError(f"`data` must be an array as before; got {type(array).__name__}")
        if array.shape != self.shape or array.dtype != self.dtype:
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

    def requires_grad_(self, requires_grad: bool = True) -> "Tensor":
        """Change whether a leaf requires grad, and return the tensor."""
        if self._node is not None:
            raise RuntimeError(
                "`requires_grad` can be changed of a leaf alone: `detach()` gives one of the same elements"
            )
        if requires_grad and self.dtype.name not in FLOATS:
            raise TypeError(f"`requires_grad` needs elements of type {', '.join(FLOATS)}; got {self.dtype}")
        self._requires_grad = bool(requires_grad)
        return self

    requires_grad = property(lambda self: self._requires_grad, lambda self, value: self.requires_grad_(value))
    grad_fn = property(lambda self: self._node)
    is_leaf = property(lambda self: self._node is None)
    shape = property(lambda self: self._elements.shape)
    ndim = property(lambda self: self._elements.ndim)
    size = property(lambda self: self._elements.size)
    dtype = property(lambda self: self._elements.dtype)

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False) -> None:
        """Add the gradients with respect to the leaves that this tensor depends on to their ``grad``.

        With ``create_graph`` leaves hold their own history in ``grad``, until that is set to None; :func:`grad` leaves
        them alone.

        Parameters
        ----------
        gradient : array_like, Tensor or None, optional
            The gradient of this tensor, of its shape; None is 1, of a tensor with one element.
        retain_graph : bool or None, optional
            Whether saved values are kept, for another walk through the graph; None is as ``create_graph``.
        create_graph : bool, optional
            Whether the computation of the gradients is recorded, so that they can be differentiated in turn.
        """
        accumulate(self, gradient, retain_graph, create_graph)

    def zero_grad(self) -> None:
        """Forget the gradients found so far."""
        self._grad = None

    def detach(self) -> "Tensor":
        """Return a tensor on the same memory that does not require grad."""
        detached = Tensor(self._elements, None, self._version)
        detached._recorded = None
        return detached

    def item(self) -> Any:
        """Return the only element, as a number of Python's."""
        return self._elements.item()

    def numpy(self) -> np.ndarray:
        """Return the array of NumPy's, of a tensor that does not require grad."""
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
        return (self[index] for index in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self._elements)

    def __float__(self) -> float:
        return float(self._elements)

    def __repr__(self) -> str:
        array = on_host(self)
        parts = [np.array2string(array, separator=", ", prefix="tensor(")]
        if array.dtype not in (np.float64, np.int64, np.bool_):
            parts.append(f"dtype={array.dtype}")
        if self._node is not None:
            parts.append(f"grad_fn={self._node}")
        elif self._requires_grad:
            parts.append("requires_grad=True")
        return f"tensor({', '.join(parts)})"

    __add__, __radd__, __iadd__ = _operators(ops.ADD, operator.add, operator.iadd)
    __sub__, __rsub__, __isub__ = _operators(ops.SUBTRACT, operator.sub, operator.isub)
    __mul__, __rmul__, __imul__ = _operators(ops.MULTIPLY, operator.mul, operator.imul)
    __truediv__, __rtruediv__, __itruediv__ = _operators(ops.DIVIDE, operator.truediv, operator.itruediv)
    __pow__, __rpow__, __ipow__ = _operators(ops.POWER, operator.pow, operator.ipow)
    __eq__, __ne__ = _comparison(operator.eq), _comparison(operator.ne)
    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)
    __hash__ = object.__hash__

    def __neg__(self) -> Any:
        return apply(ops.NEGATE, (self,), operator.neg)

    def __matmul__(self, other: Any) -> Any:
        return _matrix_product(self, other) if _is_array(other) else NotImplemented

    def __rmatmul__(self, other: Any) -> Any:
        return _matrix_product(other, self) if _is_array(other) else NotImplemented

    def __getitem__(self, index: Any) -> Any:
        arrays = tuple(map(_array_of, index if isinstance(index, tuple) else (index,)))
        return apply(ops.INDEX, (self,), lambda array: array[arrays], {"index": arrays}, view=True)

    def _scatter(self, index: Any, shape: tuple[int, ...]) -> Any:
        return apply(ops.SCATTER, (self,), lambda array: ops.scatter(array, index, shape), {"index": index})

    def _broadcast(self, shape: tuple[int, ...]) -> Any:
        return apply(ops.BROADCAST, (self,), lambda array: ops.broadcast(array, shape), view=True)

    def log(self) -> Any:
        """Compute the natural logarithm of each element, as NumPy's."""
        return apply(ops.LOG, (self,), ops.log)

    def masked_fill(self, mask: Any, value: float) -> Any:
        """Replace elements by a number where the mask, an array of bool, is true."""
        mask = _array_of(mask)
        return apply(ops.MASKED_FILL, (self,), lambda array: module_of(array).where(mask, value, array), {"mask": mask})

    def sum(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """Add up along axes; None is all of them."""
        return apply(ops.SUM, (self,), lambda array: array.sum(axis=axis, keepdims=keepdims), {"axis": axis})

    def mean(self, axis: Any = None, *, keepdims: bool = False) -> Any:
        """Average along axes; None is all of them."""
        return apply(ops.MEAN, (self,), lambda array: array.mean(axis=axis, keepdims=keepdims), {"axis": axis})

    def reshape(self, *shape: Any) -> Any:
        """Arrange the elements in another shape, given as one tuple or as integers."""
        return apply(ops.RESHAPE, (self,), lambda array: array.reshape(*shape), view=True)

    def transpose(self, *axes: Any) -> Any:
        """Reorder the axes, given as one tuple or as integers; without any, reverse them."""
        given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        order = normalize_axis_tuple(given, self.ndim) if given else tuple(reversed(range(self.ndim)))
        return apply(ops.TRANSPOSE, (self,), lambda array: array.transpose(order), {"axes": order}, view=True)

    T = property(transpose)

    def astype(self, dtype: Any) -> Any:
        """Convert the elements to another type."""
        return apply(ops.CONVERT, (self,), lambda array: array.astype(dtype))

    def clone(self) -> Any:
        """Copy the elements; gradients go through the copy."""
        return apply(ops.COPY, (self,), lambda array: array.copy())


def on_host(tensor: Tensor) -> np.ndarray:
    """Return the elements as an array of NumPy's."""
    array = tensor._elements
    # CuPy's arrays have ``get``.
    return array if isinstance(array, np.ndarray) else array.get()


def tensor(data: Any, *, requires_grad: bool = False) -> Tensor:
    """Make a tensor with a copy of an array's elements.

    Parameters
    ----------
    data : array_like, CuPy array or Tensor
        The elements.
    requires_grad : bool, optional
        Whether operations on the tensor are recorded, so that gradients with respect to it can be asked for.

    Returns
    -------
    Tensor
        A leaf, where ``data`` is: on the CPU, or on a device in an array of CuPy's.

    Raises
    ------
    TypeError
        If ``data`` is a masked array, or is to require grad and not of type float16, bfloat16, float32 or float64.

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
    data = _array_of(data)
    array = np.array(as_ndarray(data, "data")) if module_of(data) is np else data.copy()
    return Tensor(array).requires_grad_(requires_grad)
