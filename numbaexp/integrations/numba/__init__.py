"""Calls of the public functions in code that users compile by Numba: of scalars, of arrays, of rows."""

from numbaexp.integrations.numba import arrays as arrays
from numbaexp.integrations.numba import custom as custom
from numbaexp.integrations.numba import rows as rows
from numbaexp.integrations.numba import scalars as scalars
