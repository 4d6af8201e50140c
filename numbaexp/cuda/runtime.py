"""Choose what launches kernels in this process: CUDA, or Numba's simulator of it."""

import importlib
from typing import Any

from numba.cuda.core import config

launcher: Any = importlib.import_module(f"numbaexp.cuda.{'simulator' if config.ENABLE_CUDASIM else 'launcher'}")
