"""PTX on the CPU: a kernel's text is translated to LLVM IR, one instruction after the other, and compiled for the host.

Memory of the device is that of the host, and the threads of a grid run one after another. Known are the instructions
that the kernels of the package have, with the meaning that NVIDIA's "PTX ISA" gives them; any other is refused. Where
PTX leaves a result open, the one is taken that harms most: a NaN that an operation yields has all its bits set but the
sign, and shared memory is full of bits at first.
"""

import ctypes
import functools
import re

import llvmlite.binding as llvm
from llvmlite import ir

_I1, _I8, _I32, _I64 = (ir.IntType(width) for width in (1, 8, 32, 64))
_FLOATS = {16: ir.HalfType(), 32: ir.FloatType(), 64: ir.DoubleType()}
# The sign bit clear, all others set.
_NAN = {16: 0x7FFF, 32: 0x7FFF_FFFF, 64: 0x7FFF_FFFF_FFFF_FFFF}
_ORDERED = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_UNORDERED = {f"{name}u": sign for name, sign in _ORDERED.items()}
_SPECIAL = {f"%{name}.x": place for place, name in enumerate(("tid", "ntid", "ctaid", "nctaid"))}
_UNINITIALIZED = 0xA5

_STATEMENT = re.compile(r"\s*(?:(?P<label>[$\w]+):|(?P<brace>[{}])|(?P<text>[^;{}]+(?:\{[^}]*\}[^;{}]*)*);)")
_INSTRUCTION = re.compile(
    r"(?:@(?P<negated>!?)(?P<predicate>%\w+)\s+)?(?P<opcode>[a-z][\w.]*)\s*(?P<operands>.*)", re.S
)
_OPERAND = re.compile(r"\{[^}]*\}|\[[^\]]*\]|[^,\s]+")
_VARIABLE = r"\.{}\s+\.align\s+(\d+)\s+\.b8\s+([\w$]+)\[(\d+)\]"
_TABLE = re.compile(_VARIABLE.format("global") + r"\s*=\s*\{([\d,\s]*)\};")


class Machine:
    """A kernel of PTX, to be called with the number of blocks, that of threads in each, and the kernel's arguments.

    A call returns how many instructions of float64 arithmetic its threads executed.

    Parameters
    ----------
    ptx : str
        With one kernel, all of whose parameters are integers or addresses of 64 bits.

    Attributes
    ----------
    waits : bool
        Whether threads of a block wait for each other or share memory. Only blocks of one thread can be run then.

    Raises
    ------
    NotImplementedError
        If there is anything that is not known here.
    """

    def __init__(self, ptx):
        # What it is to run on matters to the instructions that there are, and not to what they mean.
        without_target = re.sub(r"^\.target .*|//.*|\0", "", ptx, flags=re.MULTILINE)
        self.waits, self._parameters, self._engine, self._run = _compiled(without_target)

    def __call__(self, blocks, threads, *arguments):
        if self.waits and threads > 1:
            raise NotImplementedError(f"threads run one after another, and those of a block wait here; got {threads}")
        if len(arguments) != self._parameters:
            raise TypeError(f"the kernel takes {self._parameters} arguments; got {len(arguments)}")
        in_float64 = ctypes.c_int64()
        faults = self._run(ctypes.addressof(in_float64), blocks, threads, *arguments)
        if faults:
            raise MemoryError(f"{faults} threads ended at an address that is misaligned or outside of shared memory")
        return in_float64.value


@functools.cache
def _compiled(ptx):
    translation = _Translation(ptx)
    module = llvm.parse_assembly(str(translation.module))
    module.verify()
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=1
    )
    # Registers become values, and no more is done: it is quickly compiled, and little can change what is computed.
    passes = llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    passes.run(module, llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options()))
    engine = llvm.create_mcjit_compiler(module, target)
    engine.finalize_object()
    count = len(translation.parameters)
    # ctypes lets other threads of Python run meanwhile.
    kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int32, ctypes.c_int32, *[ctypes.c_int64] * count)
    return translation.waits, count, engine, kind(engine.get_function_address("grid"))


_known = []


def _instruction(pattern):
    """Mark the method that translates the instructions of a pattern; it is given their operands, then the groups."""

    def mark(method):
        _known.append((re.compile(pattern), method))
        return method

    return mark


@functools.cache
def _find(opcode):
    found = [(method, match.groups()) for pattern, method in _known if (match := pattern.fullmatch(opcode))]
    if not found:
        raise NotImplementedError(f"the instruction {opcode}")
    (one,) = found
    return one


class _Translation:
    """A module of LLVM with two functions: ``thread`` is the kernel, ``grid`` runs it for each thread and counts those
    that ended at a wrong address. Both add up, in memory that they are given, the instructions of float64."""

    def __init__(self, ptx):
        kernels = re.findall(r"\.entry\s+\w+\s*\((.*?)\)[^{]*\{(.*)\}", ptx, re.DOTALL)
        if len(kernels) != 1 or re.search(r"\.func\b", ptx):
            raise NotImplementedError(f"one kernel and no other function is known; got {len(kernels)} kernels")
        parameters, body = kernels[0]
        self.parameters = re.findall(r"\.param\s+\.[bsu]64\s+(?:\.ptr\s+\.align\s+\d+\s+)?(\w+)", parameters)
        if len(self.parameters) != parameters.count(".param"):
            raise NotImplementedError(f"parameters of other than 64 bits: {parameters}")
        self.waits = bool(re.search(r"\.shared|\b(bar|barrier)\.", ptx))

        self.module = ir.Module()
        self.module.triple = llvm.get_default_triple()
        # Where the instructions are counted, and the parameters.
        several = [_I64] * (1 + len(self.parameters))
        self.thread = ir.Function(self.module, ir.FunctionType(_I64, [_I32] * len(_SPECIAL) + several), "thread")
        entry = self.thread.append_basic_block()
        # Registers are put into the first block when they are declared, instructions into those that follow.
        self.declarations = ir.IRBuilder(entry)
        self.builder = ir.IRBuilder(self.thread.append_basic_block())
        start = self.builder.block
        self.faulty = self.thread.append_basic_block()
        ir.IRBuilder(self.faulty).ret(_I64(1))

        self.blocks, self.scopes = {}, [{}]
        self.carry, self.in_float64 = (self.declarations.alloca(kind) for kind in (_I1, _I64))
        for variable in (self.carry, self.in_float64):
            self.declarations.store(variable.type.pointee(0), variable)
        self.offsets, self.spaces = {}, {}
        self.tables = {match[2]: self._table(*match.groups()) for match in _TABLE.finditer(ptx)}
        self._reserve("shared", re.findall(_VARIABLE.format("shared"), ptx))
        self._reserve("local", re.findall(_VARIABLE.format("local"), body))
        self._translate(body)
        self._return([])
        self.declarations.branch(start)
        self._make_grid(several)

    def _reserve(self, space, variables):
        """Memory for the variables of a space, in which an address is the number of bytes from its beginning."""
        size = 0
        for align, name, count in variables:
            size += -size % int(align)
            self.offsets[name] = size
            size += int(count)
        memory = self.declarations.alloca(_I8, size or 1)
        memory.align = 16
        for_bytes = ir.FunctionType(ir.VoidType(), [memory.type, _I8, _I64, _I1])
        fill = self.module.declare_intrinsic("llvm.memset", [memory.type, _I64], for_bytes)
        self.declarations.call(fill, [memory, _I8(_UNINITIALIZED), _I64(size), _I1(0)])
        self.spaces[space] = self.declarations.ptrtoint(memory, _I64), size

    def _table(self, align, name, size, values):
        """A constant array of the module."""
        kind = ir.ArrayType(_I8, int(size))
        table = ir.GlobalVariable(self.module, kind, name)
        table.global_constant, table.align = True, int(align)
        # Zeros at the end are left out.
        given = [int(value) for value in values.split(",")]
        table.initializer = kind(given + [0] * (kind.count - len(given)))
        return table

    def _make_grid(self, several):
        counted, *rest = several
        grid = ir.Function(self.module, ir.FunctionType(_I64, [counted, _I32, _I32, *rest]), "grid")
        counted, blocks, threads, *arguments = grid.args
        builder = ir.IRBuilder(grid.append_basic_block())
        faults, block, thread = builder.alloca(_I64), builder.alloca(_I32), builder.alloca(_I32)
        for variable in (faults, block):
            builder.store(variable.type.pointee(0), variable)
        next_block, next_thread, body, behind, end = (grid.append_basic_block() for _ in range(5))
        builder.branch(next_block)
        builder.position_at_end(next_block)
        builder.store(_I32(0), thread)
        builder.cbranch(builder.icmp_unsigned("<", builder.load(block), blocks), next_thread, end)
        builder.position_at_end(next_thread)
        builder.cbranch(builder.icmp_unsigned("<", builder.load(thread), threads), body, behind)
        builder.position_at_end(body)
        place = builder.load(thread), threads, builder.load(block), blocks
        builder.store(
            builder.add(builder.load(faults), builder.call(self.thread, [*place, counted, *arguments])), faults
        )
        builder.store(builder.add(builder.load(thread), _I32(1)), thread)
        builder.branch(next_thread)
        builder.position_at_end(behind)
        builder.store(builder.add(builder.load(block), _I32(1)), block)
        builder.branch(next_block)
        builder.position_at_end(end)
        builder.ret(builder.load(faults))

    def _translate(self, body):
        place = 0
        while body[place:].strip():
            statement = _STATEMENT.match(body, place)
            if statement is None:
                raise NotImplementedError(f"no statement of PTX: {body[place : place + 80]!r}")
            place = statement.end()
            if statement["label"]:
                block = self._block(statement["label"])
                if not self.builder.block.is_terminated:
                    self.builder.branch(block)
                self.builder.position_at_end(block)
            elif statement["brace"] == "{":
                self.scopes.append({})
            elif statement["brace"]:
                self.scopes.pop()
            elif statement["text"].startswith("."):
                self._declare(statement["text"])
            else:
                self._translate_instruction(statement["text"])

    def _declare(self, text):
        registers = re.fullmatch(r"\.reg\s+\.(pred|[bsuf](\d+))\s+(%\w+)(?:<(\d+)>)?\s*", text)
        if registers:
            kind, width, name, count = registers.groups()
            names = [name] if count is None else [f"{name}{number}" for number in range(int(count))]
            for each in names:
                self.scopes[-1][each] = self.declarations.alloca(_I1 if kind == "pred" else ir.IntType(int(width)))
        elif not re.fullmatch(_VARIABLE.format("local") + r'\s*|\.pragma\s+"nounroll"\s*', text):
            raise NotImplementedError(f"the directive {text}")

    def _translate_instruction(self, text):
        instruction = _INSTRUCTION.fullmatch(text.strip())
        if instruction is None:
            raise NotImplementedError(f"no instruction of PTX: {text}")
        # Subnormal float32 operands and results of such an instruction are zeros.
        opcode, self.flushes = instruction["opcode"].replace(".ftz", ""), ".ftz" in instruction["opcode"]
        operands = _OPERAND.findall(instruction["operands"])
        method, groups = _find(opcode)
        if instruction["predicate"]:
            execute, behind = (self.thread.append_basic_block() for _ in range(2))
            condition = self.read(instruction["predicate"], "pred")
            targets = (behind, execute) if instruction["negated"] else (execute, behind)
            self.builder.cbranch(condition, *targets)
            self.builder.position_at_end(execute)
        if ".f64" in opcode and not opcode.startswith(("ld.", "st.", "mov.", "selp.")):
            self.builder.store(self.builder.add(self.builder.load(self.in_float64), _I64(1)), self.in_float64)
        method(self, operands, *groups)
        if instruction["predicate"]:
            if not self.builder.block.is_terminated:
                self.builder.branch(behind)
            self.builder.position_at_end(behind)
        elif self.builder.block.is_terminated:
            # What follows can be reached by a label alone.
            self.builder.position_at_end(self.thread.append_basic_block())

    def _block(self, label):
        if label not in self.blocks:
            self.blocks[label] = self.thread.append_basic_block()
        return self.blocks[label]

    # Operands. Registers hold bits; an instruction says what they mean.

    def _register(self, name):
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        raise NotImplementedError(f"the register {name}")

    def _bits(self, operand, width):
        """The bits of a register, of which the lower ones are taken where it is wider, or of a constant."""
        kind = ir.IntType(width)
        if operand in _SPECIAL:
            return self.thread.args[_SPECIAL[operand]]
        if operand.startswith("%"):
            value = self.builder.load(self._register(operand))
            return value if value.type == kind else self.builder.trunc(value, kind)
        if re.fullmatch(r"0[fd][0-9A-F]+", operand) or (width == 16 and re.fullmatch(r"0x[0-9A-F]{4}", operand)):
            return kind(int(operand[2:], 16))
        if operand in self.offsets:
            return kind(self.offsets[operand])
        if operand in self.tables:
            return self.builder.ptrtoint(self.tables[operand], kind)
        if re.fullmatch(r"-?\d+", operand):
            return kind(int(operand) % (1 << width))
        raise NotImplementedError(f"the operand {operand}")

    def read(self, operand, kind):
        """An operand as a value of one of PTX's types."""
        if kind == "pred":
            return self._bits(operand, 1)
        width = int(kind[1:])
        bits = self._bits(operand, width)
        if kind == "f32":
            bits = self._flushed(bits)
        return self.builder.bitcast(bits, _FLOATS[width]) if kind[0] == "f" else bits

    def _flushed(self, bits):
        if not self.flushes:
            return bits
        exponent = self.builder.and_(bits, bits.type(0x7F800000))
        subnormal = self.builder.icmp_unsigned("==", exponent, bits.type(0))
        return self.builder.select(subnormal, self.builder.and_(bits, bits.type(0x80000000)), bits)

    def write(self, operand, value, kind):
        """Put a value of one of PTX's types into a register, of which signed ones fill the upper bits by their sign."""
        register = self._register(operand)
        if kind[0] == "f":
            width = int(kind[1:])
            bits = self.builder.bitcast(value, ir.IntType(width))
            if kind == "f32":
                bits = self._flushed(bits)
            nan = self.builder.fcmp_unordered("uno", value, value)
            value = self.builder.select(nan, bits.type(_NAN[width]), bits)
        if value.type != register.type.pointee:
            extend = self.builder.sext if kind[0] == "s" else self.builder.zext
            value = extend(value, register.type.pointee)
        self.builder.store(value, register)

    def _bitwise(self, kind):
        """The type of bits as wide as one of PTX's types."""
        return kind if kind == "pred" else f"b{kind[1:]}"

    # Floats. What LLVM is told carries no flags: each operation is rounded once, to nearest.

    @_instruction(r"(add|sub|mul)(?:\.rn)?\.(f32|f64)")
    def _arithmetic(self, operands, name, kind):
        a, b = (self.read(operand, kind) for operand in operands[1:])
        self.write(operands[0], getattr(self.builder, f"f{name}")(a, b), kind)

    @_instruction(r"(add|sub)(?:\.rn)?\.f32\.f16")
    def _mixed_arithmetic(self, operands, name):
        """Of a half and a float32."""
        a = self.builder.fpext(self.read(operands[1], "f16"), _FLOATS[32])
        self.write(operands[0], getattr(self.builder, f"f{name}")(a, self.read(operands[2], "f32")), "f32")

    @_instruction(r"fma\.rn\.(f32|f64)")
    def _fused(self, operands, kind):
        self.write(operands[0], self.builder.fma(*(self.read(operand, kind) for operand in operands[1:])), kind)

    @_instruction(r"div\.rn\.(f32|f64)")
    def _quotient(self, operands, kind):
        self.write(operands[0], self.builder.fdiv(*(self.read(operand, kind) for operand in operands[1:])), kind)

    @_instruction(r"rcp\.rn\.(f32|f64)")
    def _reciprocal(self, operands, kind):
        x = self.read(operands[1], kind)
        self.write(operands[0], self.builder.fdiv(x.type(1.0), x), kind)

    @_instruction(r"sqrt\.rn\.(f32|f64)")
    def _square_root(self, operands, kind):
        x = self.read(operands[1], kind)
        root = self.module.declare_intrinsic("llvm.sqrt", [x.type])
        self.write(operands[0], self.builder.call(root, [x]), kind)

    @_instruction(r"(neg|abs|copysign)\.f(32|64)")
    def _sign(self, operands, name, width):
        *signs, x = (self.read(operand, f"b{width}") for operand in operands[1:])
        x = self._flushed(x) if width == "32" else x
        sign = x.type(1 << int(width) - 1)
        if name == "neg":
            result = self.builder.xor(x, sign)
        else:
            result = self.builder.and_(x, self.builder.not_(sign))
            if name == "copysign":
                result = self.builder.or_(result, self.builder.and_(signs[0], sign))
        self.write(operands[0], result, f"b{width}")

    @_instruction(r"(min|max)\.(f64)")
    def _lesser_or_greater_float(self, operands, name, kind):
        """A number beside a NaN is the result, and -0 is less than 0."""
        builder = self.builder
        a, b = (self.read(operand, kind) for operand in operands[1:])
        a_bits, b_bits = (self.read(operand, self._bitwise(kind)) for operand in operands[1:])
        one = builder.fcmp_ordered("<" if name == "min" else ">", a, b)
        among_equals = builder.bitcast((builder.or_ if name == "min" else builder.and_)(a_bits, b_bits), a.type)
        result = builder.select(builder.fcmp_ordered("==", a, b), among_equals, builder.select(one, a, b))
        result = builder.select(builder.fcmp_unordered("uno", a, a), b, result)
        self.write(operands[0], builder.select(builder.fcmp_unordered("uno", b, b), a, result), kind)

    # Integers.

    @_instruction(r"(add|sub)\.([su](?:16|32|64))")
    def _sum(self, operands, name, kind):
        a, b = (self.read(operand, kind) for operand in operands[1:])
        self.write(operands[0], getattr(self.builder, name)(a, b), kind)

    @_instruction(r"(add|sub)(c?)\.cc\.([su]64)")
    def _sum_with_carry(self, operands, name, takes_carry, kind):
        """The carry, or the borrow, is the bit above those of the result."""
        builder = self.builder
        width = int(kind[1:])
        wide = ir.IntType(width + 1)
        terms = [builder.zext(self.read(operand, kind), wide) for operand in operands[1:]]
        if takes_carry:
            terms.append(builder.zext(builder.load(self.carry), wide))
        result = functools.reduce(getattr(builder, name), terms)
        builder.store(builder.trunc(builder.lshr(result, wide(width)), _I1), self.carry)
        self.write(operands[0], builder.trunc(result, ir.IntType(width)), kind)

    @_instruction(r"(mul|mad)\.(lo|hi|wide)\.([su])(16|32|64)")
    def _product(self, operands, name, part, sign, width):
        builder = self.builder
        kind, twice = sign + width, 2 * int(width)
        extend = builder.sext if sign == "s" else builder.zext
        a, b = (extend(self.read(operand, kind), ir.IntType(twice)) for operand in operands[1:3])
        result = builder.mul(a, b)
        if part == "hi":
            result = builder.lshr(result, result.type(int(width)))
        if part == "wide":
            kind = f"{sign}{twice}"
        else:
            result = builder.trunc(result, ir.IntType(int(width)))
        if name == "mad":
            result = builder.add(result, self.read(operands[3], kind))
        self.write(operands[0], result, kind)

    @_instruction(r"div\.(u(?:32|64))")
    def _quotient_of_integers(self, operands, kind):
        """By 0 the result is open, and no fault."""
        builder = self.builder
        a, b = (self.read(operand, kind) for operand in operands[1:])
        by_zero = builder.icmp_unsigned("==", b, b.type(0))
        quotient = builder.udiv(a, builder.select(by_zero, b.type(1), b))
        self.write(operands[0], builder.select(by_zero, b.type(-1), quotient), kind)

    @_instruction(r"(neg|abs)\.(s32|s64)")
    def _sign_of_integer(self, operands, name, kind):
        x = self.read(operands[1], kind)
        result = self.builder.neg(x)
        if name == "abs":
            result = self.builder.select(self.builder.icmp_signed("<", x, x.type(0)), result, x)
        self.write(operands[0], result, kind)

    @_instruction(r"(min|max)\.([su])(16|32|64)")
    def _lesser_or_greater(self, operands, name, sign, width):
        a, b = (self.read(operand, sign + width) for operand in operands[1:])
        compare = self.builder.icmp_signed if sign == "s" else self.builder.icmp_unsigned
        self.write(operands[0], self.builder.select(compare("<" if name == "min" else ">", a, b), a, b), sign + width)

    # Bits.

    @_instruction(r"(and|or|xor)\.(pred|b16|b32|b64)")
    def _logic(self, operands, name, kind):
        a, b = (self.read(operand, kind) for operand in operands[1:])
        combine = {"and": self.builder.and_, "or": self.builder.or_, "xor": self.builder.xor}[name]
        self.write(operands[0], combine(a, b), kind)

    @_instruction(r"not\.(pred|b16|b32|b64)")
    def _complement(self, operands, kind):
        self.write(operands[0], self.builder.not_(self.read(operands[1], kind)), kind)

    @_instruction(r"(shl|shr)\.([bsu])(16|32|64)")
    def _shift(self, operands, name, sign, width):
        """By as many bits as there are, or more: nothing is left, or the sign."""
        builder = self.builder
        x, by = self.read(operands[1], sign + width), self.read(operands[2], "u32")
        too_many = builder.icmp_unsigned(">=", by, by.type(int(width)))
        if int(width) < 32:
            safe = builder.trunc(builder.select(too_many, by.type(0), by), x.type)
        else:
            safe = builder.select(too_many, by.type(0), by)
            safe = builder.zext(safe, x.type) if x.type != by.type else safe
        if name == "shl":
            shifted, limit = builder.shl(x, safe), x.type(0)
        elif sign == "s":
            shifted, limit = builder.ashr(x, safe), builder.ashr(x, x.type(int(width) - 1))
        else:
            shifted, limit = builder.lshr(x, safe), x.type(0)
        self.write(operands[0], builder.select(too_many, limit, shifted), sign + width)

    @_instruction(r"shf\.l\.wrap\.b32")
    def _funnel_shift(self, operands):
        """The upper half of two registers, the second above the first, shifted to the left by less than their width."""
        builder = self.builder
        low, high, by = (builder.zext(self.read(operand, "b32"), _I64) for operand in operands[1:])
        both = builder.or_(low, builder.shl(high, _I64(32)))
        shifted = builder.lshr(builder.shl(both, builder.and_(by, _I64(31))), _I64(32))
        self.write(operands[0], builder.trunc(shifted, _I32), "b32")

    @_instruction(r"bfi\.b32")
    def _insert_bits(self, operands):
        """The lowest bits of the first operand in the second, from a bit on and so many, both constants here."""
        builder = self.builder
        a, b = (self.read(operand, "b32") for operand in operands[1:3])
        start, count = map(int, operands[3:])
        mask = (1 << count) - 1 << start
        inserted = builder.and_(builder.shl(a, _I32(start)), _I32(mask & 0xFFFFFFFF))
        self.write(operands[0], builder.or_(inserted, builder.and_(b, _I32(~mask & 0xFFFFFFFF))), "b32")

    @_instruction(r"prmt\.b32")
    def _permute_bytes(self, operands):
        """Bytes of two registers, the second above the first, that the digits of a constant name, the lowest first."""
        builder = self.builder
        low, high = (builder.zext(self.read(operand, "b32"), _I64) for operand in operands[1:3])
        both, selector = builder.or_(low, builder.shl(high, _I64(32))), int(operands[3])
        result = _I32(0)
        for place in range(4):
            byte = selector >> 4 * place & 15
            if byte > 7:
                raise NotImplementedError(f"the sign of a byte, by the selector {selector:#x}")
            chosen = builder.trunc(builder.lshr(both, _I64(8 * byte)), _I8)
            result = builder.or_(result, builder.shl(builder.zext(chosen, _I32), _I32(8 * place)))
        self.write(operands[0], result, "b32")

    @_instruction(r"clz\.b64")
    def _leading_zeros(self, operands):
        count = self.builder.ctlz(self.read(operands[1], "b64"), _I1(0))
        self.write(operands[0], self.builder.trunc(count, _I32), "u32")

    # Choices, moves and conversions.

    @_instruction(r"setp\.(eq|ne|lt|le|gt|ge|equ|neu|ltu|leu|gtu|geu|num|nan)\.([bsuf])(16|32|64)")
    def _compare(self, operands, name, sign, width):
        """Of floats: beside a NaN the names that end in u hold, and nan, and no others."""
        builder = self.builder
        a, b = (self.read(operand, sign + width) for operand in operands[1:])
        if name in ("num", "nan"):
            result = builder.fcmp_ordered("ord", a, b) if name == "num" else builder.fcmp_unordered("uno", a, b)
        elif name in _UNORDERED:
            result = builder.fcmp_unordered(_UNORDERED[name], a, b)
        else:
            compare = {"f": builder.fcmp_ordered, "s": builder.icmp_signed}.get(sign, builder.icmp_unsigned)
            result = compare(_ORDERED[name], a, b)
        self.write(operands[0], result, "pred")

    @_instruction(r"selp\.([bsuf](?:16|32|64))")
    def _select(self, operands, kind):
        a, b = (self.read(operand, self._bitwise(kind)) for operand in operands[1:3])
        self.write(operands[0], self.builder.select(self.read(operands[3], "pred"), a, b), self._bitwise(kind))

    @_instruction(r"mov\.(pred|[bsuf](?:16|32|64))")
    def _move(self, operands, kind):
        """Between braces are the parts of a value, the lowest first; a part that is called _ is left out."""
        builder = self.builder
        target, source = operands
        kind = self._bitwise(kind)
        parts = [_OPERAND.findall(operand.strip("{}")) for operand in operands]
        if len(parts[0]) == len(parts[1]) == 1:
            self.write(target, self.read(source, kind), kind)
            return
        part = int(kind[1:]) // max(map(len, parts))
        if len(parts[1]) > 1:
            whole = ir.IntType(int(kind[1:]))
            values = [builder.zext(self.read(each, f"b{part}"), whole) for each in parts[1]]
            shifted = [builder.shl(value, whole(part * place)) for place, value in enumerate(values)]
            self.write(target, functools.reduce(builder.or_, shifted), kind)
        else:
            value = self.read(source, kind)
            for place, each in enumerate(parts[0]):
                if each == "_":
                    continue
                bits = builder.trunc(builder.lshr(value, value.type(part * place)), ir.IntType(part))
                self.write(each, bits, f"b{part}")

    @_instruction(r"cvt\.([su](?:8|16|32|64))\.([su](?:8|16|32|64))")
    def _integer_of_integer(self, operands, to, of):
        value, kind = self.read(operands[1], of), ir.IntType(int(to[1:]))
        if kind.width < value.type.width:
            value = self.builder.trunc(value, kind)
        elif kind.width > value.type.width:
            value = (self.builder.sext if of[0] == "s" else self.builder.zext)(value, kind)
        self.write(operands[0], value, to)

    @_instruction(r"cvt\.rn\.(?:(f16)\.([su]16)|(f32|f64)\.([su](?:8|16|32|64)))")
    def _float_of_integer(self, operands, to_half, of_half, to, of):
        to, of = to_half or to, of_half or of
        convert = self.builder.sitofp if of[0] == "s" else self.builder.uitofp
        self.write(operands[0], convert(self.read(operands[1], of), _FLOATS[int(to[1:])]), to)

    @_instruction(r"cvt\.rzi\.s64\.f64")
    def _integer_of_float(self, operands):
        """Towards 0. Beyond the integers is the nearest one, and of a NaN the least."""
        x = self.read(operands[1], "f64")
        saturating = self.module.declare_intrinsic("llvm.fptosi.sat", [_I64, x.type], ir.FunctionType(_I64, [x.type]))
        nan = self.builder.fcmp_unordered("uno", x, x)
        self.write(operands[0], self.builder.select(nan, _I64(-(1 << 63)), self.builder.call(saturating, [x])), "s64")

    @_instruction(r"cvt\.rn\.(?:(f32)\.(f64)|(f16)\.(f32))")
    def _narrower_float(self, operands, to_single, of_double, to_half, of_single):
        to, of = to_single or to_half, of_double or of_single
        self.write(operands[0], self.builder.fptrunc(self.read(operands[1], of), _FLOATS[int(to[1:])]), to)

    @_instruction(r"cvt\.(f32|f64)\.(f16)|cvt\.(f64)\.(f32)")
    def _wider_float(self, operands, *kinds):
        to, of = (kind for kind in kinds if kind)
        self.write(operands[0], self.builder.fpext(self.read(operands[1], of), _FLOATS[int(to[1:])]), to)

    # Memory.

    @_instruction(r"cvta\.to\.global\.u64")
    def _address_in_global(self, operands):
        self.write(operands[0], self.read(operands[1], "u64"), "u64")

    @_instruction(r"cvta\.local\.u64")
    def _address_of_local(self, operands):
        base, _ = self.spaces["local"]
        self.write(operands[0], self.builder.add(base, self.read(operands[1], "u64")), "u64")

    def _pointer(self, operand, space, kind, size):
        """To an address in brackets, where so many bytes are to be; the thread ends if they may not."""
        builder = self.builder
        base, offset = re.fullmatch(r"\[([%\w]+)(?:\+(\d+))?\]", operand).groups()
        address = self._bits(base, self._register(base).type.pointee.width if base.startswith("%") else 64)
        address = builder.zext(address, _I64) if address.type != _I64 else address
        address = builder.add(address, _I64(int(offset or 0)))
        wrong = builder.icmp_unsigned("!=", builder.and_(address, _I64(size - 1)), _I64(0))
        if space is not None:
            start, all_bytes = self.spaces[space]
            beyond = builder.icmp_unsigned(">", address, _I64(max(all_bytes - size, 0)))
            wrong = builder.or_(wrong, beyond)
            address = builder.add(start, address)
        right = self.thread.append_basic_block()
        builder.cbranch(wrong, self.faulty, right)
        builder.position_at_end(right)
        return builder.inttoptr(address, kind.as_pointer())

    @_instruction(r"ld\.param\.[bsu]64")
    def _load_parameter(self, operands):
        place = self.parameters.index(operands[1].strip("[]"))
        self.write(operands[0], self.thread.args[len(_SPECIAL) + 1 + place], "b64")

    @_instruction(r"(ld|st)(?:\.global(?:\.nc)?|\.(shared))?(?:\.v([24]))?\.([bsuf])(8|16|32|64)")
    def _access(self, operands, name, space, _, sign, width):
        builder = self.builder
        kind, size = ir.IntType(int(width)), int(width) // 8
        values, address = operands if name == "ld" else reversed(operands)
        values = _OPERAND.findall(values.strip("{}"))
        pointer = self._pointer(address, space, kind, size * len(values))
        for place, value in enumerate(values):
            part = builder.gep(pointer, [_I32(place)])
            if name == "ld":
                self.write(value, builder.load(part, align=size), ("s" if sign == "s" else "b") + width)
            else:
                builder.store(self.read(value, f"b{width}"), part, align=size)

    @_instruction(r"atom(?:\.relaxed\.sys)?\.(shared)\.add\.u32")
    def _add_to_memory(self, operands, space):
        target, address, value = operands
        pointer = self._pointer(address, space, _I32, 4)
        before = self.builder.atomic_rmw("add", pointer, self.read(value, "u32"), "monotonic")
        self.write(target, before, "u32")

    # Where to go on. With one thread in a block nobody waits, and what holds for any holds for that one.

    @_instruction(r"bar\.sync")
    def _wait(self, operands):
        if operands != ["0"]:
            raise NotImplementedError(f"the barrier {operands}")

    @_instruction(r"bar\.red\.or\.pred")
    def _wait_and_tell(self, operands):
        target, barrier, condition = operands
        self._wait([barrier])
        self.write(target, self.read(condition, "pred"), "pred")

    @_instruction(r"bra(?:\.uni)?")
    def _branch(self, operands):
        self.builder.branch(self._block(operands[0]))

    @_instruction(r"ret")
    def _return(self, operands):
        builder = self.builder
        counted = builder.inttoptr(self.thread.args[len(_SPECIAL)], _I64.as_pointer())
        builder.store(builder.add(builder.load(counted), builder.load(self.in_float64)), counted)
        self.builder.ret(_I64(0))
