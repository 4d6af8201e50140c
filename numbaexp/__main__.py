"""The command line: ``python -m numbaexp``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numbaexp
from numbaexp.information import report
from numbaexp.scalar.family import FAMILY

_PROGRAM = "python -m numbaexp"
_DTYPES = ("float16", "bfloat16", "float32", "float64")
# By any name that a function has, the one that it is defined by.
_FUNCTIONS = {
    name: definition for name in numbaexp.__all__ if (definition := getattr(numbaexp, name).__name__) in FAMILY
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.

    Returns
    -------
    int
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="Correctly rounded exponentials on arrays. Without a command: prints the targets that can be used "
        "and what the others lack, the versions of packages, and what the functions find on this machine.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_verify(commands)
    chosen = parser.parse_args(arguments)
    if not hasattr(chosen, "run"):
        print(report())
        return 0
    return chosen.run(chosen)


def _add_verify(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "verify",
        help="check the accuracy on this machine",
        usage=f"{_PROGRAM} verify [FUNCTION] [--dtype TYPE ...] [--random N]",
        description="Check what is claimed of the accuracy on this machine and each of its targets: on every input of "
        "float16, bfloat16 and float32, and on the hard cases and random inputs of float64.",
        epilog="The environment variable NUMBAEXP_HARD_CASES may name a folder of further hard cases of float64, "
        "FUNCTION_f64_hard.npy. Exit status: 0 if all is right, 1 if not, 2 if nothing can be checked, 130 by Ctrl-C.",
    )
    functions, dtypes = (f"{', '.join(names)}; by default all" for names in (_FUNCTIONS, _DTYPES))
    parser.add_argument("function", nargs="?", choices=_FUNCTIONS, metavar="FUNCTION", help=functions)
    parser.add_argument("--dtype", nargs="+", choices=_DTYPES, default=_DTYPES, metavar="TYPE", help=dtypes)
    parser.add_argument(
        "--random", type=_number, default=10**6, metavar="N", help="random float64 inputs, by default 10**6"
    )
    parser.set_defaults(run=_verify, parser=parser)


def _number(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return number


def _verify(chosen: argparse.Namespace) -> int:
    try:
        from numbaexp.verify import arguments, command
    except ModuleNotFoundError as missing:
        if missing.name != "gmpy2":
            raise
        chosen.parser.exit(2, f"{_PROGRAM} verify: needs gmpy2: python -m pip install 'numbaexp[verify]'\n")
    folder = os.environ.get(arguments.FOLDER)
    if folder and not Path(folder).is_dir():
        chosen.parser.error(f"{arguments.FOLDER} names no folder: {folder}")
    functions = [_FUNCTIONS[chosen.function]] if chosen.function else list(FAMILY)
    return command.verify(functions, chosen.dtype, chosen.random)


if __name__ == "__main__":
    sys.exit(main())
