"""The command line: ``python -m numbaexp``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numbaexp
from numbaexp.information import report
from numbaexp.operations import OPERATIONS
from numbaexp.scalar.family import FAMILY
from numbaexp.scalar.forms import FLOATS

_PROGRAM = "python -m numbaexp"
# Definitions' names by public names, aliases included.
_FUNCTIONS = {
    name: definition for name in numbaexp.__all__ if (definition := getattr(numbaexp, name).__name__) in FAMILY
}
# The same for all functions that have kernels.
_WARMED: dict[str, str] = {
    name: definition
    for name in numbaexp.__all__
    if (definition := getattr(getattr(numbaexp, name), "__name__", "")) in OPERATIONS
}
# The same for all functions that have fingerprints: sums of two exponentials have no kernels of that kind.
_FINGERPRINTED = {**_WARMED, "logaddexp": "logaddexp", "logaddexp2": "logaddexp2"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

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
    _add_warm(commands)
    chosen = parser.parse_args(arguments)
    if not hasattr(chosen, "run"):
        print(report())
        return 0
    return chosen.run(chosen)


def _add_verify(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "verify",
        help="check the accuracy on this machine",
        usage=f"{_PROGRAM} verify [FUNCTION] [--dtype TYPE ...] [--random N | --fingerprint [--whole]]",
        description="Check what is claimed of the accuracy on this machine and each of its targets: on every input of "
        "float16, bfloat16 and float32, and on the hard cases and random inputs of float64. With --fingerprint: "
        "compare the SHA-256 of the results, at each level of the processor, with the published ones.",
        epilog="The environment variable NUMBAEXP_HARD_CASES may name a folder of further hard cases of float64, "
        "FUNCTION_f64_hard.npy. Exit status: 0 if all is right, 1 if not, 2 if nothing can be checked, 130 by Ctrl-C.",
    )
    functions, dtypes = (f"{', '.join(names)}; by default all" for names in (_FUNCTIONS, FLOATS))
    others = ", ".join(name for name in _FINGERPRINTED if name not in _FUNCTIONS)
    parser.add_argument(
        "function",
        nargs="?",
        choices=_FINGERPRINTED,
        metavar="FUNCTION",
        help=f"{functions}. With --fingerprint also {others}",
    )
    parser.add_argument("--dtype", nargs="+", choices=FLOATS, default=FLOATS, metavar="TYPE", help=dtypes)
    parser.add_argument(
        "--random", type=_number, default=10**6, metavar="N", help="random float64 inputs, by default 10**6"
    )
    parser.add_argument("--fingerprint", action="store_true", help="compare fingerprints; needs no gmpy2")
    parser.add_argument("--whole", action="store_true", help="fingerprints of every float32 input, too: minutes")
    parser.set_defaults(run=_verify, parser=parser)


def _add_warm(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "warm",
        help="compile before the first call",
        usage=f"{_PROGRAM} warm [FUNCTION ...] [--dtype TYPE ...] [--target TARGET ...]",
        description="Compile the kernels that calls would wait for, on all processors, and keep them on disk: by "
        "default those of every function and type, for each target that can be used. What is there is not compiled "
        "again.",
        epilog="The environment variable NUMBAEXP_CACHE_DIR may name the folder. Exit status: 0 if all is there, 1 if "
        "no folder can be written, 130 by Ctrl-C.",
    )
    parser.add_argument(
        "function", nargs="*", metavar="FUNCTION", help=f"{', '.join(_WARMED)}; by default all", type=_warmed
    )
    parser.add_argument(
        "--dtype", nargs="+", choices=FLOATS, default=FLOATS, metavar="TYPE", help=f"{', '.join(FLOATS)}"
    )
    parser.add_argument("--target", nargs="+", choices=("cpu", "cuda"), metavar="TARGET", help="cpu, cuda")
    parser.set_defaults(run=_warm, parser=parser)


def _warmed(text: str) -> str:
    if text not in _WARMED:
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(_WARMED)}; got {text!r}")
    return _WARMED[text]


def _warm(chosen: argparse.Namespace) -> int:
    from numbaexp.warm import warm

    reasons = numbaexp.targets()
    usable = [target for target in ("cpu", "cuda") if reasons[target] is None]
    for target in chosen.target or ():
        if target not in usable:
            chosen.parser.error(f"--target {target}: {reasons[target]}")
    return warm(chosen.function or list(dict.fromkeys(_WARMED.values())), chosen.dtype, chosen.target or usable)


def _number(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative")
    return number


def _verify(chosen: argparse.Namespace) -> int:
    if chosen.fingerprint:
        from numbaexp.verify import fingerprint, fingerprint_command

        named = [_FINGERPRINTED[chosen.function]] if chosen.function else fingerprint.FUNCTIONS
        return fingerprint_command.compare(named, chosen.dtype, chosen.whole)
    if chosen.whole:
        chosen.parser.error("--whole: with --fingerprint alone")
    if chosen.function and chosen.function not in _FUNCTIONS:
        chosen.parser.error(f"{chosen.function}: with --fingerprint alone")
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
