"""The build of the machine code in a wheel; see ``numbaexp.cache.carried``.    python -m numbaexp.carry FOLDER"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from numbaexp.cache.carried import LEVELS, about, features_of
from numbaexp.cache.files import file_of, line, read, write


def carry(folder: pathlib.Path, level: str, choice: Sequence[str] = ()) -> None:
    """Compile the kernels of a level into a folder: all, or those that arguments of ``warm`` choose."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {
            "NUMBA_CPU_NAME": level,
            "NUMBA_CPU_FEATURES": features_of(level),
            "NUMBAEXP_CACHE_DIR": cache,
        }
        command = [sys.executable, "-m", "numbaexp", "warm", *choice, "--target", "cpu"]
        subprocess.run(command, env={**os.environ, **environment}, check=True)
        (folder / level).mkdir(parents=True, exist_ok=True)
        for path in pathlib.Path(cache).rglob("*.kernel"):
            told = path.read_bytes().partition(b"\n")[0] + b"\n"
            code, kept = read(path, told), json.loads(told)
            if code is None:
                raise RuntimeError(f"{path} is damaged")
            carried = line(about(kept["name"], level, kept["sources"]))
            write(folder / level / file_of(kept["name"], carried), carried, code)


if __name__ == "__main__":
    for each in LEVELS:
        carry(pathlib.Path(sys.argv[1]), each)
