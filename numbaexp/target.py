"""The target that ``use_target`` sets."""

from contextvars import ContextVar

TARGETS = ("auto", "cpu", "parallel", "cuda")
AUTO, CPU, PARALLEL, CUDA = TARGETS

# Elements below which no array is shared among threads, unless "parallel" asks for that.
SERIAL_BELOW = 8192
# Values are the objects of ``TARGETS`` themselves: compiled code compares their addresses.
VARIABLE: ContextVar[str] = ContextVar("numbaexp target", default=AUTO)
# Return the target of this context.
current_target = VARIABLE.get
