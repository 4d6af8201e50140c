"""Reductions of contiguous memory in ``LANES`` lanes, as SIMD code: of a loop that adds up floats the compiler makes
none, for that would change the order.

The lanes are added up, or compared, by halves. The order is that of ``numbaexp.scalar.rows``.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from numbaexp.scalar.ieee import emit_rank
from numbaexp.scalar.rows import LANES

_WORD, _INDEX = ir.IntType(64), ir.IntType(32)
_DOUBLE = ir.DoubleType()


def _loop(builder, count, start, body):
    """The values that ``body(i, values)`` makes of ``start``, for i in 0, ``LANES``, ... below ``count``, at least
    once."""
    before = builder.block
    loop, done = builder.append_basic_block("lanes"), builder.append_basic_block("lanes.done")
    builder.branch(loop)
    builder.position_at_end(loop)
    i = builder.phi(_WORD)
    carried = [builder.phi(value.type) for value in start]
    made = body(i, carried)
    following = builder.add(i, _WORD(LANES))
    for phi, first, later in zip([i, *carried], [_WORD(0), *start], [following, *made], strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, builder.block)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, done)
    builder.position_at_end(done)
    return made


def _load(builder, address, i, kind):
    place = builder.gep(builder.inttoptr(address, kind.as_pointer()), [i])
    size = 4 if kind in (_INDEX, ir.FloatType()) else 8
    return builder.load(builder.bitcast(place, ir.VectorType(kind, LANES).as_pointer()), align=size)


def _halves(builder, vector):
    half = vector.type.count // 2
    nothing, places = ir.Constant(vector.type, ir.Undefined), ir.VectorType(_INDEX, half)
    return [
        builder.shuffle_vector(vector, nothing, ir.Constant(places, list(range(start, start + half))))
        for start in (0, half)
    ]


def _down_to_one(builder, vectors, combine):
    """Of several vectors together, what is left when ``combine(lower halves, upper halves)`` has made them scalars."""
    while vectors[0].type.count > 1:
        lower, upper = zip(*(_halves(builder, vector) for vector in vectors), strict=True)
        vectors = combine(lower, upper)
    return [builder.extract_element(vector, _INDEX(0)) for vector in vectors]


def _make_greatest(number):
    """``greatest(address, count)``, the greatest rank of floats with such ranks, a multiple of ``LANES`` of them."""

    @intrinsic
    def greatest(typingctx, address, count):
        def codegen(context, builder, signature, args):
            address, count = args
            kind = context.get_value_type(number)

            def greater(some, others):
                return [
                    builder.select(builder.icmp_unsigned(">", a, b), a, b) for a, b in zip(some, others, strict=True)
                ]

            def body(i, values):
                return greater(values, [emit_rank(builder, _load(builder, address, i, kind))])

            lowest = ir.Constant(ir.VectorType(kind, LANES), [0] * LANES)
            return _down_to_one(builder, _loop(builder, count, [lowest], body), greater)[0]

        return number(types.intp, types.intp), codegen

    return greatest


greatest_f32, greatest_f64 = _make_greatest(types.uint32), _make_greatest(types.uint64)


def _make_equal(number):
    """``equal(address, count, value)``, how many floats are equal to one, of a multiple of ``LANES``, below 2**31."""

    @intrinsic
    def equal(typingctx, address, count, value):
        def codegen(context, builder, signature, args):
            address, count, value = args
            counts = ir.VectorType(_INDEX, LANES)
            lane = builder.insert_element(ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined), value, _INDEX(0))
            same = builder.shuffle_vector(lane, lane, ir.Constant(counts, [0] * LANES))

            def add(some, others):
                return [builder.add(a, b) for a, b in zip(some, others, strict=True)]

            def body(i, values):
                is_equal = builder.fcmp_ordered("==", _load(builder, address, i, value.type), same)
                return add(values, [builder.zext(is_equal, counts)])

            none = ir.Constant(counts, [0] * LANES)
            made = _down_to_one(builder, _loop(builder, count, [none], body), add)[0]
            return builder.zext(made, _WORD)

        return types.int64(types.intp, types.intp, number), codegen

    return equal


equal_f32, equal_f64 = _make_equal(types.float32), _make_equal(types.float64)


def _add(builder, some, others):
    return [builder.fadd(a, b) for a, b in zip(some, others, strict=True)]


def _add_pairs(builder, some, others):
    """As ``numbaexp.scalar.rows.add_pair``; the other low part may be None for 0."""
    (a, a_low), (b, b_low) = some, others
    high = builder.fadd(a, b)
    b_part = builder.fsub(high, a)
    error = builder.fadd(builder.fsub(a, builder.fsub(high, b_part)), builder.fsub(b, b_part))
    return [high, builder.fadd(a_low, error if b_low is None else builder.fadd(error, b_low))]


def _total(builder, addresses, count, add):
    nothing = [ir.Constant(ir.VectorType(_DOUBLE, LANES), [0.0] * LANES)] * len(addresses)

    def body(i, values):
        return add(builder, values, [_load(builder, address, i, _DOUBLE) for address in addresses])

    vectors = _loop(builder, count, nothing, body)
    return _down_to_one(builder, vectors, lambda some, others: add(builder, some, others))


@intrinsic
def total(typingctx, address, count):
    """The sum of float64, a multiple of ``LANES`` of them."""

    def codegen(context, builder, signature, args):
        address, count = args
        return _total(builder, [address], count, _add)[0]

    return types.float64(types.intp, types.intp), codegen


@intrinsic
def total_of_pairs(typingctx, address, address_low, count):
    """(high, low), the sum of as many pairs, the low parts of which lie at another address."""

    def codegen(context, builder, signature, args):
        *addresses, count = args
        return context.make_tuple(builder, signature.return_type, _total(builder, addresses, count, _add_pairs))

    return types.UniTuple(types.float64, 2)(*[types.intp] * 3), codegen


def _make_add_to(pairs):
    """``add_to(sums, sums_low, address, address_low)``: ``LANES`` numbers or pairs at addresses are added to others."""

    @intrinsic
    def add_to(typingctx, sums, sums_low, address, address_low):
        def codegen(context, builder, signature, args):
            places, others = (args[:2], args[2:]) if pairs else (args[:1], args[2:3])
            zero = _WORD(0)
            made = (_add_pairs if pairs else _add)(
                builder,
                [_load(builder, place, zero, _DOUBLE) for place in places],
                [_load(builder, place, zero, _DOUBLE) for place in others],
            )
            for place, vector in zip(places, made, strict=True):
                builder.store(vector, builder.inttoptr(place, vector.type.as_pointer()), align=8)
            return context.get_dummy_value()

        return types.none(*[types.intp] * 4), codegen

    return add_to


add_to, add_pairs_to = _make_add_to(False), _make_add_to(True)


_LANES_OF_DOUBLES = ir.VectorType(_DOUBLE, LANES)


def _widened(builder, vector):
    return vector if vector.type == _LANES_OF_DOUBLES else builder.fpext(vector, _LANES_OF_DOUBLES)


def _of_products(builder, a, b):
    """As ``numbaexp.scalar.row_gradients.product``, and ``narrow_product``, whose low part is nothing to be added."""
    x, y = _widened(builder, a), _widened(builder, b)
    high = builder.fmul(x, y)
    if x is not a:
        return high, None
    fma = builder.module.declare_intrinsic("llvm.fma.v32f64", (), ir.FunctionType(x.type, [x.type] * 3))
    return high, builder.call(fma, [x, y, builder.fneg(high)])


def _of_first(builder, a, b):
    """As ``numbaexp.scalar.row_gradients.alone``."""
    return _widened(builder, a), None


def _make_add_terms(number, terms):
    """``add(sums, sums_low, a, b, count)``: to ``LANES`` pairs, those that ``terms`` makes of numbers at two addresses,
    a multiple of ``LANES`` of them."""

    @intrinsic
    def add(typingctx, sums, sums_low, a, b, count):
        def codegen(context, builder, signature, args):
            places, operands, count = args[:2], args[2:4], args[4]
            kind = context.get_value_type(number)

            def body(i, values):
                return _add_pairs(builder, values, terms(builder, *(_load(builder, x, i, kind) for x in operands)))

            made = _loop(builder, count, [_load(builder, place, _WORD(0), _DOUBLE) for place in places], body)
            for place, vector in zip(places, made, strict=True):
                builder.store(vector, builder.inttoptr(place, vector.type.as_pointer()), align=8)
            return context.get_dummy_value()

        return types.none(*[types.intp] * 5), codegen

    return add


ADD_PRODUCTS = {number: _make_add_terms(number, _of_products) for number in (types.float32, types.float64)}
ADD_FIRST = {number: _make_add_terms(number, _of_first) for number in (types.float32, types.float64)}


def _make_prefetch(for_writing):
    """``prefetch(address)`` of the cache line there, which may be anyone's, ahead of its use."""

    @intrinsic
    def prefetch(typingctx, address):
        def codegen(context, builder, signature, args):
            pointer = ir.IntType(8).as_pointer()
            kind = ir.FunctionType(ir.VoidType(), [pointer, *[_INDEX] * 3])
            callee = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
            keep, data = _INDEX(3), _INDEX(1)
            builder.call(callee, [builder.inttoptr(args[0], pointer), _INDEX(for_writing), keep, data])
            return context.get_dummy_value()

        return types.none(types.intp), codegen

    return prefetch


prefetch_to_read, prefetch_to_write = _make_prefetch(0), _make_prefetch(1)
