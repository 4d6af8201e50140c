"""The structures with which XLA calls a handler, as ``xla/ffi/api/c_api.h`` publishes them, by offsets in bytes; and
the state of the handler, words that ``numbaexp.cpu.compiled_xla_handler`` reads."""

# The interface that the offsets below are of, and that its structures may not be smaller than.
MAJOR, MINOR = 0, 1
FRAME_SIZE, BUFFERS_SIZE, ATTRIBUTES_SIZE, BUFFER_SIZE = 168, 40, 48, 48
# XLA_FFI_CallFrame: the chain of extensions, the interface, the stage, arguments, results, attributes.
EXTENSION, API, STAGE, ARGUMENTS, RESULTS, ATTRIBUTES = 8, 16, 32, 40, 80, 120
EXECUTE = 3
# XLA_FFI_Args and XLA_FFI_Rets: how many, their types, and pointers to them. XLA_FFI_Attrs has names before these.
COUNT, TYPES, BUFFERS, VALUES = 16, 24, 32, 40
A_BUFFER, A_SCALAR, A_STRING = 1, 3, 4
# XLA_FFI_Buffer; of XLA_FFI_Scalar the pointer to the value; XLA_FFI_ByteSpan; XLA's number of int64.
ELEMENT_TYPE, DATA, RANK, DIMENSIONS = 16, 24, 32, 40
SCALAR_TYPE, VALUE, POINTER, LENGTH = 0, 8, 0, 8
INT64 = 5
# XLA_FFI_Metadata_Extension: its type, and where XLA_FFI_Metadata is told the version of the interface, and no traits.
EXTENSION_TYPE, METADATA_EXTENSION, METADATA = 8, 1, 24
MAJOR_AT, MINOR_AT, TRAITS_AT = 24, 28, 32
# XLA_FFI_Api: its version, and the function that makes errors.
API_MAJOR, ERROR_CREATE = 32, 48

# XLA's numbers of the float types, in the order in which the state has them.
FLOATS = {"float16": 10, "float32": 11, "float64": 12, "bfloat16": 16}

# Indices of words: the address of the handler; of a function of Python's, ``ask(frame, what, type, variant)``, which
# returns an error of XLA's or 0, where ``what`` is a function whose kernel is needed, or one of those below; of
# ``pool.RUNNING`` and of ``share.ADDRESS``; whether threads have been asked for, and the elements from which they are;
# how many functions there are; and the address of the first one that a user has written, or 0.
HANDLER, ASK, RUNNING, SHARED, ASKED, THREADS_FROM, FUNCTIONS_COUNT, FIRST_CUSTOM = range(8)
# Of a user's function is asked for: itself, of a name of a length at an address, in place of type and variant; its
# loop, where the variant is its address.
CUSTOM, CUSTOM_LOOP, THREADS, NO_SUCH_ABI, NO_SUCH_CALL, NO_MEMORY = range(-6, 0)
FUNCTIONS = 8
# Of each function: its name and how long that is, its kind, how many arrays it has; whether rows are batched, and the
# units of work of the passes over chunks, one after another and batched, or 0.
NAME, NAME_LENGTH, KIND, ARRAYS, IS_BATCHED, UNITS = range(6)
ELEMENTS, ROWS, REDUCTION, SCALED = range(4)
OF_ROWS, OF_CHUNKS, OF_BLOCKS = 1, 2, 3
PASSES = 3
# Then for each type the addresses of kernels, or 0: of elements a loop and its data; of rows each variant, and what
# makes numbers of rows float64.
OF_TYPES = UNITS + 2 * PASSES
LOOP, LOOP_DATA = range(2)
BY_ROW, BATCHED, WIDENED, BY_CHUNKS = range(4)
EACH_TYPE = BY_CHUNKS + 2 * PASSES
EACH = OF_TYPES + len(FLOATS) * EACH_TYPE
# Of each function of users', in words of its own: the address of the next one, its name and how long that is, how many
# arrays and results it has; then for each type a loop and its data.
NEXT, CUSTOM_NAME, CUSTOM_NAME_LENGTH, CUSTOM_ARRAYS, CUSTOM_RESULTS, CUSTOM_TYPES = range(6)
