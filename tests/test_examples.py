"""The examples run, draw their pictures, and find what they say."""

import importlib
import sys

import numpy as np
import pytest
from helpers import ROOT, printed, run_python

EXAMPLES = ROOT / "examples"
# What each needs beside numbaexp, but for its picture.
NEEDS = {
    "accelerated_loop": [],
    "compound_interest": [],
    "exponential_fit": [],
    "growth_and_decay": [],
    "logistic_fit": [],
    "option_price": [],
    "rounding": [],
    "sensitivities": [],
    "softmax_regression": ["sklearn"],
    "softmax_regression_torch": ["sklearn", "torch"],
}


@pytest.fixture
def example(monkeypatch):
    """An example by name, as a module."""

    def load(name):
        for library in NEEDS[name]:
            pytest.importorskip(library, reason=f"{name}.py uses it")
        monkeypatch.syspath_prepend(EXAMPLES)
        return importlib.import_module(name)

    return load


# The documentation runs them all.
@pytest.mark.checked(name="compound_interest")
@pytest.mark.parametrize("name", NEEDS)
def test_runs_and_draws(name, tmp_path):
    for library in ("matplotlib", *NEEDS[name]):
        pytest.importorskip(library, reason=f"{name}.py uses it")
    picture = tmp_path / "picture.svg"
    example = ("-W", "error", EXAMPLES / f"{name}.py", "--picture", picture)
    lines = printed(run_python(*example, timeout=300)).splitlines()
    assert len(lines) > 3
    assert lines[-1] == f"Picture: {picture}"
    drawn = picture.read_text()
    assert drawn.rstrip().endswith("</svg>")
    assert len(drawn) < 60_000


def test_all_are_here():
    """Each with a picture, and no picture of an example that is gone."""
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {"quickstart", "drawing", *NEEDS}
    assert {path.stem for path in (EXAMPLES / "pictures").iterdir()} == set(NEEDS)


def test_a_picture_is_the_same_each_time(example, tmp_path):
    pytest.importorskip("matplotlib", reason="it draws the pictures")
    paths = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for path in paths:
        example("exponential_fit").main(["--picture", str(path)])
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_without_matplotlib_the_lines_are_printed(example, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(SystemExit, match=r'^The picture needs matplotlib: python -m pip install "\.\[examples\]"$'):
        example("exponential_fit").main([])
    assert "standard error" in capsys.readouterr().out


def test_accelerated_loop(example):
    loop = example("accelerated_loop")
    before, after = loop.before_and_after().values()
    assert np.abs(loop.errors(after.powers)).max() <= 0.5
    assert np.abs(loop.errors(before.powers)).max() > 0.5
    densities = [function.density(loop.places(), loop.sample()) for function in (before, after)]
    np.testing.assert_allclose(*densities, rtol=1e-14)
    assert densities[1].sum() * 9 / loop.PLACES == pytest.approx(1, abs=0.01)


def test_compound_interest(example):
    interest = example("compound_interest")
    times = np.array([1e7, 1e8, 1e9])
    to_come = interest.RATE**2 * interest.YEARS / (2 * times)
    np.testing.assert_allclose(interest.relative_gap(times, interest.compounded), to_come, rtol=1e-4)
    assert interest.relative_gap(times, interest.compounded_by_power)[-1] > 100 * to_come[-1]
    rates = np.logspace(-16, 0, 97)
    assert interest.relative_error(rates, interest.effective_rate).max() <= 2.0**-53
    assert interest.relative_error(rates, interest.effective_rate_by_difference)[rates < 1e-9].max() > 1e-8
    for times_a_year in (1, 12, np.inf):
        years = interest.years_to_double(0.05, times_a_year)
        grown = (
            interest.continuously(0.05, years)
            if np.isinf(times_a_year)
            else interest.compounded(0.05, years, times_a_year)
        )
        assert grown == pytest.approx(2, rel=1e-15)


def test_exponential_fit(example):
    exponential = example("exponential_fit")
    times = exponential.waiting_times()
    found = exponential.fit(times)
    assert found.rate == pytest.approx(1 / times.mean(), rel=1e-14)
    assert found.standard_error == pytest.approx(1 / np.sqrt(times.size), rel=1e-7)
    assert abs(np.log(found.rate / exponential.TRUE_RATE)) < 3 * found.standard_error


def test_growth_and_decay(example):
    growth = example("growth_and_decay")
    errors = growth.errors_over_steps()
    assert len(errors) == 2
    for found in errors.values():
        np.testing.assert_allclose(growth.orders(found)[-3:], 4, atol=0.1)
    minutes = np.logspace(-9, 2, 67)
    assert growth.relative_error(minutes, growth.bismuth).max() < 1e-15
    assert growth.relative_error(minutes, growth.bismuth_by_difference)[0] > 1e-8


@pytest.mark.thorough
def test_logistic_fit(example):
    fit = example("logistic_fit")
    found = fit.fits()
    assert {"numpy"} <= set(found)
    for parameters in found.values():
        np.testing.assert_allclose(parameters, found["numpy"], rtol=1e-6)
        np.testing.assert_allclose(parameters, fit.TRUE, atol=0.15)


@pytest.mark.thorough
def test_option_price(example):
    option = example("option_price")
    spots, step = np.linspace(0.6, 1.5, 10), 1e-5
    inputs = np.log(spots), option.YEARS, option.RATE, option.VOLATILITY
    price = option.call(*inputs)
    assert np.abs(price - option.exact_call(spots)).max() < 1.5e-4
    found = option.greeks(spots)
    above, below = (option.greeks(spots + sign * step) for sign in (1, -1))
    np.testing.assert_allclose(found.gamma, (above.delta - below.delta) / (2 * step), rtol=1e-6)
    for greek, index in ((-found.theta, 1), (found.rho, 2), (found.vega, 3)):
        up, down = ([x + sign * step * (place == index) for place, x in enumerate(inputs)] for sign in (1, -1))
        np.testing.assert_allclose(greek, (option.call(*up) - option.call(*down)) / (2 * step), rtol=1e-4, atol=1e-9)


def test_rounding(example):
    rounding = example("rounding")
    found = rounding.elementwise_roundings()
    assert {"numpy", "numbaexp"} <= set(found)
    for errors, above, below in found["numbaexp"].values():
        assert (above, below) == (0, 0)
        assert np.abs(errors).max() <= 0.5
    assert rounding.softmax_roundings()["numbaexp"].max() <= 0.5001


@pytest.mark.parametrize(("direction", "above", "below"), [(np.inf, 1, 0), (-np.inf, 0, 1)])
def test_rounding_tells_a_wrong_function(example, direction, above, below):
    rounding = example("rounding")
    exp = rounding.libraries()["numbaexp"]["exp"]
    x = np.linspace(-10, 10, 1000, dtype=np.float32)
    found = rounding.rounding(lambda x: np.nextafter(exp(x), np.float32(direction)), "exp", x)
    assert (found.above, found.below) == (above, below)
    assert (np.sign(found.errors) == np.sign(direction)).all()


@pytest.mark.thorough
def test_sensitivities(example):
    sensitivities = example("sensitivities")
    for function, ranges in sensitivities.CASES.values():
        inputs = sensitivities.inputs_of(ranges)
        assert set(sensitivities.differing_bits(function, inputs).values()) <= {0}
    (years, _, rate), found = inputs, sensitivities.elasticities(function, inputs)
    for percent, wanted in zip(found, (rate * years, np.ones_like(years), rate * years), strict=True):
        np.testing.assert_allclose(percent, wanted, rtol=1e-6)
    value, first, second = sensitivities.derivatives_of_likelihood(4.0, np.log([0.125, 0.25]))
    np.testing.assert_allclose(value, [0.5 + np.log(8), 1 + np.log(4)], rtol=1e-14)
    np.testing.assert_allclose((first, second), [[-0.5, 0], [0.5, 1]], atol=1e-14)


def test_softmax_regression(example):
    regression = example("softmax_regression")
    history = regression.train()
    assert history.accuracies[-1] >= 0.95
    assert history.losses[-1].mean() < history.losses[0].mean() / 5
    np.testing.assert_array_equal(regression.train().losses, history.losses)


@pytest.fixture
def one_thread_of_torch():
    """As the example has it."""
    torch = pytest.importorskip("torch", reason="it is what the example is about")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread_of_torch")
def test_softmax_regression_in_torch(example):
    by_torch, by_tape = example("softmax_regression_torch").train(), example("softmax_regression").train()
    np.testing.assert_allclose(by_torch.losses, by_tape.losses, rtol=1e-6)
    assert by_torch.accuracies[-1] >= 0.95
