"""The target that ``use_target`` has asked for."""

from contextvars import ContextVar

TARGETS = ("auto", "cpu", "parallel", "cuda")
AUTO, CPU, PARALLEL, CUDA = TARGETS

# Values are the very objects of ``TARGETS``: compiled code tells them apart by their addresses.
VARIABLE: ContextVar[str] = ContextVar("numbaexp target", default=AUTO)
# Return the target that holds in this context.
current_target = VARIABLE.get
