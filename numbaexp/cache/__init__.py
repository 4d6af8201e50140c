"""Compiled code on disk, a file for each kernel, whose name is a hash of all that the code depends on: files are never
stale."""

import pathlib

# Machine code in a wheel; see ``carried.py``.
CARRIED = pathlib.Path(__file__).parent.parent / "machine_code"
IS_CARRIED = CARRIED.is_dir()
