"""What arrays of a device need."""

from numbaexp.cuda import usable


def need_cuda(argument: str) -> None:
    """Raise where CUDA cannot be used, for the array that is called ``argument``."""
    reason = usable.missing()
    if reason is not None:
        raise RuntimeError(f"`{argument}` is on a CUDA device, which numbaexp cannot use here: {reason}")
