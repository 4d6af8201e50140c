"""The graph: however deep, it is gone through and freed, and two threads have their own."""

import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import numbaexp
from numbaexp import autograd

DEEP = 100_000


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


OPERATIONS = {
    "exp": lambda y: numbaexp.exp(y - 1.0),
    "mul": lambda y: y * 1.0,
    "in place": lambda y: y.__iadd__(0.0),
}


@pytest.mark.thorough
@pytest.mark.checked(name="in place")
@pytest.mark.sampled(name="in place")
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_deep_graph(no_collector, name):
    """And what it had saved is back, without the garbage collector."""
    x = autograd.tensor(np.full(2, 0.5), requires_grad=True)
    OPERATIONS[name](x * 1).sum().backward()
    before = x.grad
    x.zero_grad()
    tracemalloc.start()
    start, _ = tracemalloc.get_traced_memory()
    y = x * 1
    for _ in range(DEEP // 2 if name == "exp" else DEEP):
        y = OPERATIONS[name](y)
    y.sum().backward()
    assert (x.grad.data <= before.data).all()
    if name == "exp":
        # The graph is gone, though its end is still held.
        assert tracemalloc.get_traced_memory()[0] - start < 1_000_000
    del y, before
    assert tracemalloc.get_traced_memory()[0] - start < 1_000_000
    tracemalloc.stop()


@pytest.mark.thorough
def test_freeing_what_was_not_gone_through(no_collector):
    """In a thread, whose stack is smaller."""

    def build():
        x = autograd.tensor(np.ones(2), requires_grad=True)
        y = x * 1
        middle = weakref.ref(y.grad_fn)
        for _ in range(DEEP):
            y = numbaexp.exp(y * 0.1)
        assert middle() is not None
        del y
        freed.append(middle() is None)

    freed = []
    thread = threading.Thread(target=build)
    thread.start()
    thread.join()
    assert freed == [True]


def test_no_cycles(no_collector):
    """Tensors, nodes and what is saved go with the last that needs them."""
    x = autograd.tensor(np.ones((2, 3)), requires_grad=True)
    y = numbaexp.exp(x)
    z = numbaexp.softmax(y * y) * 1.0
    numbaexp.exp_(z)
    (first,) = autograd.grad(z.sum(), x, create_graph=True)
    watched = [weakref.ref(each) for each in (y, z, first, y.grad_fn, z.grad_fn, first.grad_fn, y.data, z.data)]
    del y, z, first
    assert all(each() is None for each in watched)
    y = numbaexp.exp(x)
    y.sum().backward()
    watched = [weakref.ref(each) for each in (y, y.data, y.grad_fn, x, x.grad)]
    del x, y
    assert all(each() is None for each in watched)


def test_the_walk_releases_as_it_goes(no_collector):
    x = autograd.tensor(np.ones(3), requires_grad=True)
    y = numbaexp.exp(x)
    saved = weakref.ref(y.data)
    z = numbaexp.exp(y * 0.5)
    node = z.grad_fn
    del y
    assert saved() is not None
    z.sum().backward()
    assert saved() is None
    assert node.saved is None
    assert not node.inputs


def test_a_wide_graph_is_gone_through_once():
    """Each node when all that it goes into has been; not once for each path, of which there are 2**60."""
    x = autograd.tensor(1.0, requires_grad=True)
    y = x * 1
    for _ in range(60):
        y = (y + y) * 0.5
    y.backward()
    assert x.grad.item() == 1.0


def test_threads_with_graphs_of_their_own():
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal((20, 50)) for _ in range(4)]

    def compute(array):
        x = autograd.tensor(array, requires_grad=True)
        total = x * 0
        for _ in range(50):
            total = total + numbaexp.softmax(x * numbaexp.sigmoid(x + total))
        total.sum(0).backward(array[0])
        return x.grad.data

    expected, found = [compute(array) for array in arrays], {}
    barrier = threading.Barrier(len(arrays))

    def work(place):
        barrier.wait()
        found[place] = [compute(arrays[place]) for _ in range(3)]

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(arrays))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, right in enumerate(expected):
        for result in found[place]:
            np.testing.assert_array_equal(result, right)
