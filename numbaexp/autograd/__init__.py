"""Gradients of the functions of this package, on arrays of NumPy and CuPy.

Operations on tensors are recorded where one of them requires grad, and gone through in reverse.

Notes
-----
Accuracy: functions and gradients are those of this package, and as accurate; operations between them are NumPy's.

Special values: as of arrays.

Examples
--------
>>> import numbaexp
>>> from numbaexp import autograd
>>> x = autograd.tensor([1.0, 2.0, 3.0], requires_grad=True)
>>> y = numbaexp.exp(x)
>>> y.sum().backward()
>>> bool((x.grad == y).all())
True
"""

from numbaexp.autograd.check import GradcheckError, gradcheck, gradgradcheck
from numbaexp.autograd.differentiate import grad
from numbaexp.autograd.recording import no_grad
from numbaexp.autograd.tensor import Tensor, tensor

__all__ = ["GradcheckError", "Tensor", "grad", "gradcheck", "gradgradcheck", "no_grad", "tensor"]
