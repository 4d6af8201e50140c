"""Elementwise functions that users write: the conventions of a ufunc, and the same bits however they are called."""

import numpy as np
import pytest
from helpers import assert_same_bits
