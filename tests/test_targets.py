"""``use_target``: validation, nesting, and that it holds in one context alone."""

import asyncio
import contextvars
import functools
import sys
import threading
import types

import numpy as np
import pytest

import numbaexp
from numbaexp.cuda import usable
from numbaexp.target import TARGETS, current_target


def current():
    return current_target()


def test_nesting_and_errors_restore():
    assert current() == "auto"
    with numbaexp.use_target("parallel"):
        assert current() == "parallel"
        with numbaexp.use_target("cpu"):
            assert current() == "cpu"
        with pytest.raises(ZeroDivisionError), numbaexp.use_target("cpu"):
            raise ZeroDivisionError
        assert current() == "parallel"
    assert current() == "auto"


@pytest.mark.parametrize("target", ["gpu", "", None, 1])
def test_unknown(target):
    with pytest.raises(ValueError, match=r"`target` must be one of \('auto', 'cpu', 'parallel', 'cuda'\); got"):
        numbaexp.use_target(target)


def test_cuda_says_at_once_what_is_missing(monkeypatch):
    monkeypatch.setattr(usable, "missing", lambda: "no CUDA device")
    with pytest.raises(RuntimeError, match=r"^`target` 'cuda' cannot be used: no CUDA device$"):
        numbaexp.use_target("cuda")
    assert current() == "auto"


def test_a_thread_sees_it_only_in_a_copied_context():
    seen = []

    def look():
        seen.append(current())

    with numbaexp.use_target("cpu"):
        for work in (look, functools.partial(contextvars.copy_context().run, look)):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    assert seen == ["auto", "cpu"]


def test_tasks_keep_their_own(monkeypatch):
    monkeypatch.setattr(usable, "missing", lambda: None)

    async def work(target, seen):
        with numbaexp.use_target(target):
            await asyncio.sleep(0)
            seen.append((target, current()))

    async def main():
        seen = []
        await asyncio.gather(*(work(target, seen) for target in TARGETS))
        return seen

    assert all(asked == got for asked, got in asyncio.run(main()))


def test_targets_do_what_they_say(monkeypatch):
    """Which loop runs is seen in what is asked of the parts of ``numbaexp.cpu``."""
    from numbaexp.cpu import blocks, pool

    asked = []
    monkeypatch.setattr(pool, "start", lambda: asked.append("threads") or False)
    monkeypatch.setattr(blocks, "run", lambda *args: asked.append("slabs"))
    small, large = np.ones(100), np.ones((1000, 1000))[:, :-1]
    monkeypatch.setattr(usable, "missing", lambda: None)
    host = types.ModuleType("numbaexp.cuda.host")
    host.elementwise = lambda name, x, out, dtype: asked.append("copied")
    monkeypatch.setitem(sys.modules, "numbaexp.cuda.host", host)
    monkeypatch.setattr(numbaexp.cuda, "host", host, raising=False)
    expected = {
        "auto": ([], ["threads", "slabs"]),
        "cpu": ([], []),
        "parallel": (["threads"], ["threads", "slabs"]),
        "cuda": (["copied"], ["copied"]),
    }
    for target, outcomes in expected.items():
        for x, outcome in zip((small, large), outcomes, strict=True):
            asked.clear()
            with numbaexp.use_target(target):
                numbaexp.exp(x)
            assert asked == outcome
