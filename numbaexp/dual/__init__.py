"""The numbers that a user's function is made of, as types of Numba's: reals of one kind, and their derivatives."""
