"""Offsets in Python's and NumPy's objects that compiled code reads, in bytes, as their C structures are published."""

# PyObject's type; PyVarObject's size; PyTypeObject's tp_vectorcall_offset.
TYPE = object.__basicsize__ - 8
LENGTH = object.__basicsize__
VECTORCALL_OFFSET = object.__basicsize__ + 40
# PyArrayObject's data, nd, dimensions, descr, flags; PyArray_Descr's byteorder and type_num.
DATA = object.__basicsize__
NDIM = DATA + 8
SHAPE = DATA + 16
DESCR = DATA + 40
FLAGS = DATA + 48
BYTE_ORDER = object.__basicsize__ + 10
TYPE_NUMBER = object.__basicsize__ + 12
# How a C function is called: PyMethodDef's flags.
METH_FASTCALL, METH_KEYWORDS = 0x80, 0x02
