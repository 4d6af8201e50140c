"""Hold arrays that pretend to be those of a device: the simulator's memory is the host's."""


def address(array):
    """Return where an array of the host begins."""
    return array.__array_interface__["data"][0]


class OnDevice:
    """Own ``__cuda_array_interface__``, with other entries where they are given."""

    def __init__(self, array, **entries):
        self.array = array
        self.__cuda_array_interface__ = {
            "shape": array.shape,
            "typestr": array.dtype.str,
            "data": (address(array), not array.flags.writeable),
            "strides": None if array.flags.c_contiguous else array.strides,
            "version": 3,
            **entries,
        }


class Stream(int):
    """Be a stream by its number, as Numba's are when asked for it."""
