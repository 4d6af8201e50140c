"""The operators ``torch.ops.numbaexp``, known as soon as both packages have been imported."""

import textwrap

import pytest

torch = pytest.importorskip("torch", reason="the operators are PyTorch's")

import numbaexp
from numbaexp.operations import OPERATIONS

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")

IMPORTS = ["import numbaexp; import torch", "import torch; import numbaexp"]

# What uses an operator first, in a process that has called nothing; ``saved`` is a folder.
FIRST = {
    "an operator": "result = torch.ops.numbaexp.softmax(x, [-1])",
    "an overload": "result = torch.ops.numbaexp.softmax.default(x, [-1])",
    "in float32 under autocast": """
        with torch.autocast("cpu"):
            assert torch.ops.numbaexp.cross_entropy(x.bfloat16(), x, None, -100, "mean", 0.0, 0).dtype is torch.float32
        result = numbaexp.softmax(x)
    """,
    "in a transformation": "result = torch.vmap(torch.ops.numbaexp.softmax, (0, None))(x[None], [-1])[0]",
    "compiled": """
        result = torch.compile(lambda x: torch.ops.numbaexp.softmax(x, [-1]), backend="aot_eager", fullgraph=True)(x)
    """,
    "a function, compiled": "result = torch.compile(numbaexp.softmax, backend='aot_eager', fullgraph=True)(x)",
    "of no elements": """
        assert numbaexp.softmax(x.to("meta")).is_meta
        result = numbaexp.softmax(x)
    """,
    "a fake": """
        from torch._subclasses.fake_tensor import FakeTensorMode
        with FakeTensorMode() as mode:
            assert torch.ops.numbaexp.softmax(mode.from_tensor(x), [-1]).shape == x.shape
        result = numbaexp.softmax(x)
    """,
    "a program of torch.export": "result = torch.export.load(saved + '/exported.pt2').module()(x)",
    "what an operator decomposes into": """
        assert not torch.ops.numbaexp.softmax.default._can_decompose()
        result = numbaexp.softmax(x)
    """,
    "a program of torch.jit": "result = torch.jit.load(saved + '/traced.pt')(x)",
}


class Module(torch.nn.Module):
    def forward(self, x):
        return numbaexp.softmax(x)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder, module, x = tmp_path_factory.mktemp("programs"), Module(), torch.ones(3)
    torch.jit.save(torch.jit.trace(module, (x,)), str(folder / "traced.pt"))
    torch.export.save(torch.export.export(module, (x,)), str(folder / "exported.pt2"))
    return str(folder)


@pytest.mark.checked(
    imports=IMPORTS[0],
    first=(
        "an operator",
        "a function, compiled",
        "in a transformation",
        "a program of torch.export",
    ),
)
@pytest.mark.sampled(
    imports=IMPORTS[0],
    first=("an operator", "a function, compiled", "a program of torch.export", "a program of torch.jit"),
)
@pytest.mark.parametrize("imports", IMPORTS)
@pytest.mark.parametrize("first", FIRST)
def test_what_is_used_first(first, imports, saved, run_script):
    """With its gradient."""
    run_script(f"""
        import sys, warnings
        {imports}
        assert "numbaexp.integrations.torch.operators" not in sys.modules
        warnings.simplefilter("ignore")
        saved, x = {saved!r}, torch.linspace(-1, 1, 3).requires_grad_()
        exec({textwrap.dedent(FIRST[first])!r})
        expected = numbaexp.softmax(x)
        assert torch.equal(result, expected)
        assert torch.equal(torch.autograd.grad(result[0], x)[0], torch.autograd.grad(expected[0], x)[0])
    """)


def test_the_first_use_in_threads(saved, run_script):
    run_script(f"""
        import threading, warnings, torch, numbaexp
        warnings.simplefilter("ignore")
        program, x, results = torch.jit.load({saved!r} + "/traced.pt"), torch.linspace(-1, 1, 3), []
        threads = [threading.Thread(target=lambda: results.append(program(x))) for _ in range(8)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert len(results) == 8 and all(torch.equal(each, numbaexp.softmax(x)) for each in results)
    """)


def test_names():
    assert {name for name in OPERATIONS if hasattr(torch.ops.numbaexp, name)} == set(OPERATIONS)
    assert not hasattr(torch.ops.numbaexp, "sin")
    assert torch.ops.numbaexp.exp.default.name() == "numbaexp::exp"
