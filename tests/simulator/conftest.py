"""What runs in Numba's CUDA simulator, which must be turned on before Numba is imported: ``test_simulator.py`` starts a
process of its own for it, and in any other these files are not collected."""

import os

if os.environ.get("NUMBA_ENABLE_CUDASIM") != "1":
    collect_ignore_glob = ["test_*.py"]
