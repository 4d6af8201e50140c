"""Calls that PyTorch's CUDA graphs can record: none waits for the device, or takes memory that is not PyTorch's."""

import numpy as np
import pytest
from helpers import OF_ROWS
from sampling import sampled

import numbaexp
from numbaexp.cuda import simulator
from numbaexp.operations import OPERATIONS
from numbaexp.scalar.row_order import CHUNK

# Rows of two chunks, whose parts are in memory of the device meanwhile, and of one.
SHAPES = {"long": (1, CHUNK + 1), "short": (3, 5)}
WAITING = ("item", "tolist", "cpu", "numpy", "to", "nonzero", "__bool__", "__float__", "__int__", "__index__")


def arguments(torch, name, shape):
    """Return those of a function, without its options."""
    x = torch.from_numpy(np.linspace(-3, 3, shape[0] * shape[1], dtype=np.float32).reshape(shape))
    if name.startswith("cross_entropy"):
        targets = torch.from_numpy(np.arange(shape[0]))
        return (torch.ones(()), x, targets) if name.endswith("_backward") else (x, targets)
    if name == "logsumexp_backward":
        return torch.from_numpy(np.ones(shape[0], np.float32)), x
    return (x, x) if name.endswith("_backward") else (x,)


@pytest.fixture
def recording(torch, monkeypatch):
    """Let what a graph cannot record raise; list the sizes of PyTorch's new tensors."""

    def refused(*_, **__):
        raise AssertionError("a graph cannot record this")

    sizes, new_empty = [], torch.Tensor.new_empty

    def counted(x, shape, **options):
        sizes.append((shape, options["dtype"]))
        return new_empty(x, shape, **options)

    monkeypatch.setattr(torch.Tensor, "new_empty", counted)
    monkeypatch.setattr(torch.cuda, "synchronize", refused)
    monkeypatch.setattr(simulator.np, "full", refused)
    for name in WAITING:
        monkeypatch.setattr(torch.Tensor, name, refused)
    yield sizes
    monkeypatch.undo()


ROWS = (*OF_ROWS, "logsumexp_backward", "cross_entropy", "cross_entropy_backward")
CASES = [("exp", "short"), ("softplus_backward", "short"), *((name, shape) for name in ROWS for shape in SHAPES)]


@pytest.mark.parametrize(("name", "shape"), sampled(CASES, lambda name, shape: shape == "short" or name == "softmax"))
def test_nothing_that_a_graph_cannot_record(name, shape, torch, recording):
    options = {"axis": 1} if "axis" in OPERATIONS[name].options else {}
    result = getattr(numbaexp, name)(*arguments(torch, name, SHAPES[shape]), **options)
    of_work = [count for count, dtype in recording if dtype is torch.float64]
    needs_memory = shape == "long" or name in ("logsumexp_backward", "cross_entropy", "cross_entropy_backward")
    assert bool(of_work) == bool(needs_memory)
    assert isinstance(result, torch.Tensor)
