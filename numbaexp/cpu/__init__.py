"""NumPy ufuncs over the scalars, and the loops that carry them over arrays, on one core or all."""
