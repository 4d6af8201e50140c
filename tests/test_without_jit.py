"""``NUMBA_DISABLE_JIT=1``, under which users' functions run as Python: the package's own are compiled."""

import pytest

CHECK = """
    import numba, numpy as np, numbaexp

    assert numba.config.DISABLE_JIT
    x = np.linspace(-5, 5, 100)
    large = np.linspace(-5, 5, 1 << 18)
    near = lambda result, expected: abs(result / expected - 1).max() < 1e-14
    for given in (x, large, large[::-3], x.astype(np.float32).astype(float), 1.0):
        assert near(numbaexp.exp(given), np.exp(given))
        assert near(numbaexp.sigmoid(given), 1 / (1 + np.exp(-given)))
    assert near(numbaexp.softmax(x), np.exp(x) / np.exp(x).sum())
    assert near(numbaexp.softmax(large.reshape(64, -1), 0).sum(0), 1)
    assert near(numbaexp.logsumexp(x), np.log(np.exp(x).sum()))
    assert near(numbaexp.cross_entropy(np.zeros((3, 4)), [0, 1, 2]), np.log(4))
    assert near(numbaexp.exp_backward(x, x), x * x)
    assert near(numbaexp.softmax_backward(x, numbaexp.softmax(x)).sum() + 1, 1)
    assert numbaexp.targets()["cpu"] is None
    with numbaexp.use_target("parallel"):
        assert near(numbaexp.exp(x), np.exp(x))
"""


def test_arrays(run_script):
    run_script(CHECK + "    assert numba.config.DISABLE_JIT", NUMBA_DISABLE_JIT="1")


@pytest.mark.thorough
def test_nothing_is_kept(run_script, tmp_path):
    """With an empty cache everything is compiled there."""
    run_script(
        """
        import numba, numpy as np, numbaexp
        assert numbaexp.exp2(np.arange(3.0)).tolist() == [1, 2, 4]
        assert numbaexp.softmax(np.zeros((2, 2))).tolist() == [[0.5, 0.5]] * 2
        assert numba.config.DISABLE_JIT
        """,
        NUMBA_DISABLE_JIT="1",
        NUMBA_CACHE_DIR=str(tmp_path),
    )


def test_users_functions(run_script):
    """They are functions of Python's, which call the public ones with whatever they are given."""
    run_script(
        """
        import numba, numpy as np, numbaexp

        @numba.njit(fastmath=True)
        def function(x):
            return numbaexp.exp2(x)

        @numba.njit(parallel=True)
        def loop(x, y):
            for i in numba.prange(x.size):
                y[i] = numbaexp.exp2(x[i])

        assert function(3) == 8 and type(function(np.float32(3))) is np.float32
        assert function(np.arange(3.0)).tolist() == [1, 2, 4]
        y = np.empty(3)
        loop(np.arange(3.0), y)
        assert y.tolist() == [1, 2, 4]
        """,
        NUMBA_DISABLE_JIT="1",
    )


@pytest.mark.thorough
def test_turned_off_and_on(run_script):
    """By Numba's configuration, at any time."""
    run_script(
        """
        import numba, numpy as np, numbaexp
        numba.config.DISABLE_JIT = 1
        assert numba.njit(lambda x: numbaexp.exp2(x))(3.0) == 8
        assert numbaexp.exp2(np.arange(3.0)).tolist() == [1, 2, 4]
        numba.config.DISABLE_JIT = 0
        compiled = numba.njit(lambda x: numbaexp.exp2(x))
        assert compiled(3.0) == 8 and compiled.signatures
        """
    )
