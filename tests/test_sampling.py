"""Marks by values of parameters: what is tried always, before a merge, and before a release."""

import pytest
from helpers import ELEMENTWISE, FORMS, FORMS_OF_GRADIENTS, OTHERS_OF_A_FORM
from sampling import is_left_out, repeats_a_form

import numbaexp
from numbaexp.scalar.gradients import GRADIENTS


def test_each_form_has_a_function():
    assert {*FORMS} < {*ELEMENTWISE}
    assert {*FORMS_OF_GRADIENTS} < {*GRADIENTS}
    assert {*FORMS, *FORMS_OF_GRADIENTS} | OTHERS_OF_A_FORM == {*ELEMENTWISE, *GRADIENTS}


@pytest.mark.parametrize(
    "value", [*FORMS, *FORMS_OF_GRADIENTS, "exp_", "exp of integers", "softmax", 1.5, numbaexp.exp]
)
def test_what_is_tried(value):
    assert not repeats_a_form(value)


@pytest.mark.parametrize(
    "value", ["exp2", "exp10_", "softplus_backward", "exp2 of inf", ("softplus", "float32"), numbaexp.exp2]
)
def test_what_repeats_a_form(value):
    assert repeats_a_form(value)


def test_values_that_are_kept():
    parameters = {"dtype": "float32", "n": 8}
    for kept in ({}, {"dtype": "float32"}, {"dtype": ("float32", "float64"), "n": "8"}, {"lanes": "4"}):
        assert not is_left_out(parameters, kept)
    for kept in ({"dtype": "float64"}, {"dtype": "float32", "n": ("7", "9")}):
        assert is_left_out(parameters, kept)
