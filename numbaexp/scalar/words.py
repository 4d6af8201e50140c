"""Unsigned integers of several 64-bit words, as tuples, the highest word first, for the accurate phase.

Integers raise no floating-point flags, round only explicitly, and carry 128 bits as easily as 64.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.scalar.ieee import scalar

_WORD = ir.IntType(64)


def _count(words):
    """Return the number of words of a tuple type, or None for other types."""
    is_words = isinstance(words, types.UniTuple) and words.dtype == types.uint64
    return words.count if is_words else None


def _join(builder, words, count):
    wide = ir.IntType(64 * count)
    joined = ir.Constant(wide, 0)
    for i in range(count):
        word = builder.zext(builder.extract_value(words, i), wide)
        joined = builder.or_(joined, builder.shl(word, ir.Constant(wide, 64 * (count - 1 - i))))
    return joined


def _split(builder, joined, count):
    words = ir.Constant(ir.ArrayType(_WORD, count), ir.Undefined)
    for i in range(count):
        shifted = builder.lshr(joined, ir.Constant(joined.type, 64 * (count - 1 - i)))
        words = builder.insert_value(words, builder.trunc(shifted, _WORD) if count > 1 else shifted, i)
    return words


def _binary(operation):
    @intrinsic
    def compute(typingctx, a, b):
        count = _count(a)
        if count is None or a != b:
            return None

        def codegen(context, builder, signature, args):
            left, right = (_join(builder, words, count) for words in args)
            return _split(builder, getattr(builder, operation)(left, right), count)

        return a(a, b), codegen

    return compute


# Modulo 2**(64 words), as unsigned integers.
add = _binary("add")
subtract = _binary("sub")


def _shift(operation):
    @intrinsic
    def compute(typingctx, a, places):
        count = _count(a)
        if count is None or places != types.uint64:
            return None

        def codegen(context, builder, signature, args):
            joined = _join(builder, args[0], count)
            shifted = getattr(builder, operation)(joined, builder.zext(args[1], joined.type))
            return _split(builder, shifted, count)

        return a(a, places), codegen

    return compute


# By fewer bits than there are.
shift_left = _shift("shl")
shift_right = _shift("lshr")


@intrinsic
def leading_zeros(typingctx, word):
    """Count the zero bits above the highest one of a uint64 that is not 0."""
    if word != types.uint64:
        return None

    def codegen(context, builder, signature, args):
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), codegen


@intrinsic
def product(typingctx, a, b):
    """Return the two words of the product of two uint64."""
    if a != types.uint64 or b != types.uint64:
        return None

    def codegen(context, builder, signature, args):
        wide = ir.IntType(128)
        left, right = (builder.zext(word, wide) for word in args)
        return _split(builder, builder.mul(left, right), 2)

    return types.UniTuple(types.uint64, 2)(a, b), codegen


@scalar
def product_of_fractions(a, b):
    """Compute a b / 2**128 of two words each, less at most 3: the low words' product and two remainders are dropped."""
    zero = a[0] ^ a[0]
    crossed = add((zero, product(a[0], b[1])[0]), (zero, product(a[1], b[0])[0]))
    return add(product(a[0], b[0]), crossed)
