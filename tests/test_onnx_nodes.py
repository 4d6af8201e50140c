"""ONNX's published node tests of every operator that a function of this package computes."""

import importlib
import pkgutil
import warnings

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", "1.23", reason="the node tests are those of onnx, which holds them from 1.23 on")

from helpers import ROOT, table_rows
from onnx.backend.test.case import node as node_tests

import numbaexp

# ONNX's own runner allows 1e-3; the published outputs are those of float32 arithmetic in NumPy.
RTOL, ATOL = 1e-5, 1e-7


def softmax(x, *, axis=-1):
    return (numbaexp.softmax(x, axis),)


def log_softmax(x, *, axis=-1):
    return (numbaexp.log_softmax(x, axis),)


def reduce_log_sum_exp(data, axes=(), *, keepdims=1, noop_with_empty_axes=0):
    axis = tuple(axes) if len(axes) or noop_with_empty_axes else None
    return (numbaexp.logsumexp(data, axis, keepdims=bool(keepdims)),)


def softmax_cross_entropy_loss(scores, labels, weights=None, *, reduction=b"mean", ignore_index=-100):
    loss = numbaexp.cross_entropy(
        scores, labels, weight=weights, ignore_index=ignore_index, reduction=reduction.decode()
    )
    return loss, numbaexp.log_softmax(scores, 1)


@numbaexp.elementwise
def elu(x, alpha):
    return x if x >= 0 else alpha * numbaexp.expm1(x)


@numbaexp.elementwise
def swish(x, alpha):
    return x * numbaexp.sigmoid(alpha * x)


# Each takes the inputs of its operator, and its attributes by name, and returns the outputs: an attribute that is not
# understood is an error.
OPERATORS = {
    "Exp": lambda x: (numbaexp.exp(x),),
    "Log": lambda x: (numbaexp.log(x),),
    "Sinh": lambda x: (numbaexp.sinh(x),),
    "Cosh": lambda x: (numbaexp.cosh(x),),
    "Tanh": lambda x: (numbaexp.tanh(x),),
    "Sigmoid": lambda x: (numbaexp.sigmoid(x),),
    "Softplus": lambda x: (numbaexp.softplus(x),),
    "Softmax": softmax,
    "LogSoftmax": log_softmax,
    "ReduceLogSumExp": reduce_log_sum_exp,
    "SoftmaxCrossEntropyLoss": softmax_cross_entropy_loss,
    "Elu": lambda x, *, alpha=1.0: (elu(x, alpha),),
    "Swish": lambda x, *, alpha=1.0: (swish(x, alpha),),
}
# By operator, what the documentation says: the version that defines it, and how many tests there are and pass.
PAGE = (ROOT / "docs/accuracy/onnx.md").read_text(encoding="utf-8")
STATED = {cells[0]: cells for cells in table_rows("accuracy/onnx.md", "operator", "since")}


@pytest.fixture(scope="module")
def published():
    """By operator, the tests whose model is that one node; others expand it into simpler operators."""
    names = {operator.lower() for operator in OPERATORS}
    # The loader would compute the tests of all operators, which takes longer than all of the rest.
    with warnings.catch_warnings():
        # The logarithm of 0 is among them.
        warnings.simplefilter("ignore")
        for module in pkgutil.iter_modules(node_tests.__path__, f"{node_tests.__name__}."):
            if module.name.rpartition(".")[2].replace("_", "") in names:
                importlib.import_module(module.name)
    found = {operator: [] for operator in OPERATORS}
    for case in node_tests._NodeTestCases:
        nodes = case.model.graph.node
        if len(nodes) == 1 and nodes[0].op_type in found:
            found[nodes[0].op_type].append(case)
    return found


@pytest.mark.thorough
@pytest.mark.parametrize("operator", OPERATORS)
def test_nodes(published, operator):
    assert published[operator]
    for case in published[operator]:
        (node,) = case.model.graph.node
        attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        assert case.data_sets
        for inputs, outputs in case.data_sets:
            results = OPERATORS[operator](*inputs, **attributes)[: len(outputs)]
            for result, output in zip(results, outputs, strict=True):
                assert (result.dtype, result.shape) == (output.dtype, output.shape), case.name
                np.testing.assert_allclose(result, output, RTOL, ATOL, err_msg=case.name)
    # Other versions of onnx may have other tests.
    if f"onnx {onnx.__version__}," in PAGE:
        _, since, _, number, passed = STATED[operator]
        assert int(since) == onnx.defs.get_schema(operator).since_version
        assert int(number) == int(passed) == len(published[operator])


def test_the_documentation_lists_all():
    assert list(STATED) == list(OPERATORS)
