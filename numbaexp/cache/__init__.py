"""Compiled code on disk, a file for each kernel: under a name that tells all that the code depends on, so that what is
found there is right, and what has changed is found nowhere."""

import pathlib

# What a wheel may carry; see ``carried.py``.
CARRIED = pathlib.Path(__file__).parent.parent / "machine_code"
IS_CARRIED = CARRIED.is_dir()
