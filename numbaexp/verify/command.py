"""The command ``verify``, which runs the checks and prints their findings."""

import sys
import time
from collections.abc import Sequence

from numbaexp.progress import Progress
from numbaexp.verify.checks import Check, make_check
from numbaexp.verify.status import CANNOT, INTERRUPTED, RIGHT, WRONG
from numbaexp.verify.targets import usable_targets


def verify(functions: Sequence[str], dtype_names: Sequence[str], number: int) -> int:
    """Run the checks of functions in types.

    Parameters
    ----------
    functions, dtype_names : sequence of str
        The names.
    number : int
        The number of random arguments in float64.

    Returns
    -------
    int
        The exit status.
    """
    checks: list[Check] = []
    skipped = 0
    start = time.perf_counter()
    interrupted = False
    try:
        targets, reasons = usable_targets()
        for target, reason in reasons.items():
            _print(f"target {target}: skipped: {reason}")
        if not targets:
            return CANNOT
        for function in functions:
            for dtype_name in dtype_names:
                try:
                    check = make_check(function, dtype_name, targets, number)
                except ModuleNotFoundError as missing:
                    _print(f"{function} {dtype_name}: skipped: needs {missing.name}")
                    skipped += 1
                    continue
                checks.append(check)
                _run(check)
    except KeyboardInterrupt:
        interrupted = True
    inputs, wrong = sum(check.checked for check in checks), sum(check.wrong for check in checks)
    _print(
        f"{'interrupted, ' if interrupted else ''}in all {inputs} inputs: {wrong} wrong"
        f"{f', {skipped} checks skipped' if skipped else ''} ({time.perf_counter() - start:.0f} s)"
    )
    if interrupted:
        return INTERRUPTED
    return WRONG if wrong else RIGHT


def _run(check: Check) -> None:
    """Run a check, and print its findings even if interrupted."""
    name = f"{check.function} {check.dtype_name}"
    start = time.perf_counter()
    progress = Progress(sys.stderr)
    try:
        progress.show(name, 0.0, start)
        for _ in check.run():
            progress.show(name, check.checked / check.total, start)
    finally:
        progress.erase()
        number = f"{check.checked}"
        if check.checked < check.total:
            number = f"interrupted after {check.checked} of {check.total}"
        _print(
            f"{name}: {number} {check.inputs()}, {check.reference()}; targets {', '.join(check.targets)}: "
            f"{check.wrong} wrong ({time.perf_counter() - start:.0f} s)"
        )
        for wrong in check.examples:
            expected = f"expected {wrong.expected.hex()} ({wrong.source})"
            _print(f"    {wrong.x.hex()} -> {wrong.got.hex()} ({wrong.target}), {expected}")


def _print(line: str) -> None:
    print(line, flush=True)
