"""A progress bar for terminals."""

import shutil
import time
from typing import TextIO

_WIDTH = 30
# A terminal adds this to the line when the user stops the program.
_ECHO = "^C"


class Progress:
    """Show progress on a stream if that is a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._shown = 0

    def show(self, task: str, part: float, since: float) -> None:
        """Show the part done (0 to 1) of a task, and the time since that value of ``time.perf_counter``."""
        if not self._terminal:
            return
        bar = ("#" * int(part * _WIDTH)).ljust(_WIDTH, ".")
        text = f"{task} [{bar}] {part:4.0%} {time.perf_counter() - since:.0f} s"
        # Wrapped lines could not be erased.
        text = text[: shutil.get_terminal_size().columns - len(_ECHO) - 1]
        self._write("\r" + text.ljust(self._shown))
        self._shown = len(text)

    def erase(self) -> None:
        """Erase the line."""
        if self._shown:
            self._write("\r" + " " * (self._shown + len(_ECHO)) + "\r")
            self._shown = 0

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
