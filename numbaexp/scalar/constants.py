"""Constants of the scalars. Written by ``derive_constants.py``; do not edit.

Each polynomial interpolates its function in the Chebyshev points, which is the minimax one but for a hair; its comment
states the interval and the absolute error before the coefficients are rounded to the type that evaluates them.
"""

from typing import NamedTuple

import numpy as np


def words(*values):
    """Return an integer of several 64-bit words, the highest first."""
    return tuple(np.uint64(value) for value in values)


def floats(text):
    """Parse hexadecimal floats."""
    return tuple(map(float.fromhex, text.split()))


class Roots(NamedTuple):
    """Hold powers of two with fractional exponents.

    rounded : R, of powers P; logs, rests : log(P/R) and P/R - 1; slopes : S, R ln(2) rounded; slope_rests :
    (P ln(2) - S) / R.
    """

    rounded: tuple[float, ...]
    logs: tuple[float, ...]
    rests: tuple[float, ...]
    slopes: tuple[float, ...]
    slope_rests: tuple[float, ...]


class Logs(NamedTuple):
    """Hold logarithms of short numbers near 1/m, 1 <= m < 2, of which the number n of m's cell, m ``cells`` rounded,
    modulo the number of entries, is the index.

    inverses : R. logs : -log(R), rounded to a multiple of 2**-43, of float32 2**-17; rests : -log(R) less that. ln2 :
        the same two, of 2.
    """

    cells: float
    inverses: tuple[float, ...]
    logs: tuple[float, ...]
    rests: tuple[float, ...]
    ln2: tuple[float, float]


# float16 and bfloat16: log2(e) as the sum of two float32.
HALF_LOG2E_HI = np.float32(float.fromhex("0x1.7154760000000p+0"))
HALF_LOG2E_LO = np.float32(float.fromhex("0x1.4ae0c00000000p-26"))

# HALF_EXP2: degree 6 on [0, 1], absolute error 2**-28.433
HALF_EXP2_0 = np.float32(float.fromhex("0x1.0000000000000p+0"))
HALF_EXP2_1 = np.float32(float.fromhex("0x1.62e4280000000p-1"))
HALF_EXP2_2 = np.float32(float.fromhex("0x1.ebfdf20000000p-3"))
HALF_EXP2_3 = np.float32(float.fromhex("0x1.c67f500000000p-5"))
HALF_EXP2_4 = np.float32(float.fromhex("0x1.3d54d80000000p-7"))
HALF_EXP2_5 = np.float32(float.fromhex("0x1.44d4d20000000p-10"))
HALF_EXP2_6 = np.float32(float.fromhex("0x1.ca8f0a0000000p-13"))

# float32, evaluated in float64: log2(e), and the rest that wider ranges need.
SINGLE_LOG2E = float.fromhex("0x1.71547652b82fep+0")
SINGLE_LOG2E_LOW = float.fromhex("0x1.777d0ffda0d24p-56")

# log2(10) as the sum of two.
SINGLE_LOG2_10 = float.fromhex("0x1.a934f0979a371p+1")
SINGLE_LOG2_10_LOW = float.fromhex("0x1.7f2495fb7fa6dp-53")

# SINGLE_EXP2: degree 10 on [-0.5, 0.5], absolute error 2**-52.022
SINGLE_EXP2_0 = float.fromhex("0x1.0000000000000p+0")
SINGLE_EXP2_1 = float.fromhex("0x1.62e42fefa3a19p-1")
SINGLE_EXP2_2 = float.fromhex("0x1.ebfbdff82c598p-3")
SINGLE_EXP2_3 = float.fromhex("0x1.c6b08d703ce49p-5")
SINGLE_EXP2_4 = float.fromhex("0x1.3b2ab6fba1ddap-7")
SINGLE_EXP2_5 = float.fromhex("0x1.5d87fe9d7a584p-10")
SINGLE_EXP2_6 = float.fromhex("0x1.430913096fd9fp-13")
SINGLE_EXP2_7 = float.fromhex("0x1.ffcb54062e698p-17")
SINGLE_EXP2_8 = float.fromhex("0x1.62bfd47773353p-20")
SINGLE_EXP2_9 = float.fromhex("0x1.b675bca4eeebbp-24")
SINGLE_EXP2_10 = float.fromhex("0x1.e6063f7217bc6p-28")

# SINGLE_EXP2_QUOTIENT: degree 10 on [-0.5, 0.5], absolute error 2**-56.139
SINGLE_EXP2_QUOTIENT_0 = float.fromhex("0x1.62e42fefa39efp-1")
SINGLE_EXP2_QUOTIENT_1 = float.fromhex("0x1.ebfbdff82c598p-3")
SINGLE_EXP2_QUOTIENT_2 = float.fromhex("0x1.c6b08d704a0c2p-5")
SINGLE_EXP2_QUOTIENT_3 = float.fromhex("0x1.3b2ab6fba1ddap-7")
SINGLE_EXP2_QUOTIENT_4 = float.fromhex("0x1.5d87fe78a5276p-10")
SINGLE_EXP2_QUOTIENT_5 = float.fromhex("0x1.430913096fd9fp-13")
SINGLE_EXP2_QUOTIENT_6 = float.fromhex("0x1.ffcbfc670dcd4p-17")
SINGLE_EXP2_QUOTIENT_7 = float.fromhex("0x1.62bfd47773353p-20")
SINGLE_EXP2_QUOTIENT_8 = float.fromhex("0x1.b524fae627834p-24")
SINGLE_EXP2_QUOTIENT_9 = float.fromhex("0x1.e6063f7217bc6p-28")
SINGLE_EXP2_QUOTIENT_10 = float.fromhex("0x1.e9d3fe3952179p-32")

# (2**f - 1) / f: degree 7 on [0, 1], error times f / 2**f 2**-40.127
ROW_EXP2_QUOTIENT = floats(
    "0x1.62e42feee0eebp-1 0x1.ebfbe060e499cp-3 0x1.c6b07a7cfe2cep-5 0x1.3b2c5aa9a311ep-7 "
    "0x1.5d603adb04318p-10 0x1.4534f9cd20d37p-13 0x1.dd2018b05cb0dp-17 0x1.f2ca467185d74p-20 "
)

# float64: 4 / ln(2); ln(2) / 4 as 40 bits, whose product with |n| < 2**13 is exact, and the rest.
DOUBLE_STEPS = float.fromhex("0x1.71547652b82fep+2")
DOUBLE_STEP_HI = float.fromhex("0x1.62e42fefa2000p-3")
DOUBLE_STEP_LO = float.fromhex("0x1.9ef35793c7673p-43")

# ln(2), ln(10), ln(2) / 4 and 4 log2(10), each as the sum of two float64.
DOUBLE_LN2_HI = float.fromhex("0x1.62e42fefa39efp-1")
DOUBLE_LN2_LO = float.fromhex("0x1.abc9e3b39803fp-56")
DOUBLE_LN10_HI = float.fromhex("0x1.26bb1bbb55516p+1")
DOUBLE_LN10_LO = float.fromhex("-0x1.f48ad494ea3e9p-53")
DOUBLE_STEP_WHOLE_HI = float.fromhex("0x1.62e42fefa39efp-3")
DOUBLE_STEP_WHOLE_LO = float.fromhex("0x1.abc9e3b39803fp-58")
DOUBLE_LOG2_10_HI = float.fromhex("0x1.a934f0979a371p+3")
DOUBLE_LOG2_10_LO = float.fromhex("0x1.7f2495fb7fa6dp-51")

# 2**(j/4) as the sum of two float64.
DOUBLE_ROOT_0_HI = float.fromhex("0x1.0000000000000p+0")
DOUBLE_ROOT_0_LO = float.fromhex("0x0.0p+0")
DOUBLE_ROOT_1_HI = float.fromhex("0x1.306fe0a31b715p+0")
DOUBLE_ROOT_1_LO = float.fromhex("0x1.6f46ad23182e4p-55")
DOUBLE_ROOT_2_HI = float.fromhex("0x1.6a09e667f3bcdp+0")
DOUBLE_ROOT_2_LO = float.fromhex("-0x1.bdd3413b26456p-54")
DOUBLE_ROOT_3_HI = float.fromhex("0x1.ae89f995ad3adp+0")
DOUBLE_ROOT_3_LO = float.fromhex("0x1.7a1cd345dcc81p-54")

# DOUBLE_TAIL: degree 7 on [-0.0866434, 0.0866434], absolute error 2**-60.47
DOUBLE_TAIL_0 = float.fromhex("0x1.5555555555555p-3")
DOUBLE_TAIL_1 = float.fromhex("0x1.5555555555555p-5")
DOUBLE_TAIL_2 = float.fromhex("0x1.1111111111709p-7")
DOUBLE_TAIL_3 = float.fromhex("0x1.6c16c16c17011p-10")
DOUBLE_TAIL_4 = float.fromhex("0x1.a01a016200b2dp-13")
DOUBLE_TAIL_5 = float.fromhex("0x1.a01a0176b3eebp-16")
DOUBLE_TAIL_6 = float.fromhex("0x1.71eb271513d52p-19")
DOUBLE_TAIL_7 = float.fromhex("0x1.27ed99474db95p-22")

# MIDDLE_TAIL: degree 8 on [-0.0866434, 0.0866434], absolute error 2**-72.286
MIDDLE_TAIL_0 = float.fromhex("0x1.5555555555555p-5")
MIDDLE_TAIL_1 = float.fromhex("0x1.1111111111111p-7")
MIDDLE_TAIL_2 = float.fromhex("0x1.6c16c16c16c17p-10")
MIDDLE_TAIL_3 = float.fromhex("0x1.a01a01a01a4b1p-13")
MIDDLE_TAIL_4 = float.fromhex("0x1.a01a01a01a2b9p-16")
MIDDLE_TAIL_5 = float.fromhex("0x1.71de3a3307edep-19")
MIDDLE_TAIL_6 = float.fromhex("0x1.27e4fb63e2d98p-22")
MIDDLE_TAIL_7 = float.fromhex("0x1.ae7044b046e96p-26")
MIDDLE_TAIL_8 = float.fromhex("0x1.1ef4603d19860p-29")

# 1/6 as the sum of two.
SIXTH_HI = float.fromhex("0x1.5555555555555p-3")
SIXTH_LO = float.fromhex("0x1.5555555555555p-57")

# DOUBLE_ATANH: degree 10 on [0, 0.111111], absolute error 2**-59.504
DOUBLE_ATANH_0 = float.fromhex("0x1.5555555555555p-2")
DOUBLE_ATANH_1 = float.fromhex("0x1.9999999999944p-3")
DOUBLE_ATANH_2 = float.fromhex("0x1.2492492499d46p-3")
DOUBLE_ATANH_3 = float.fromhex("0x1.c71c71bedea97p-4")
DOUBLE_ATANH_4 = float.fromhex("0x1.745d19937b1fcp-4")
DOUBLE_ATANH_5 = float.fromhex("0x1.3b13515f6f9efp-4")
DOUBLE_ATANH_6 = float.fromhex("0x1.111abdc8abe16p-4")
DOUBLE_ATANH_7 = float.fromhex("0x1.e0a2d581ab68fp-5")
DOUBLE_ATANH_8 = float.fromhex("0x1.bc37f0140c19ep-5")
DOUBLE_ATANH_9 = float.fromhex("0x1.32e0d25c9c761p-5")
DOUBLE_ATANH_10 = float.fromhex("0x1.401d3e65cdc48p-4")

# 1/120 as the sum of two.
SINH_120TH_HI = float.fromhex("0x1.1111111111111p-7")
SINH_120TH_LO = float.fromhex("0x1.1111111111111p-63")

# SINH_TAIL: degree 4 on [0, 0.25], absolute error 2**-67.334
SINH_TAIL_0 = float.fromhex("0x1.a01a01a01a01ap-13")
SINH_TAIL_1 = float.fromhex("0x1.71de3a556bd4bp-19")
SINH_TAIL_2 = float.fromhex("0x1.ae6456893d0abp-26")
SINH_TAIL_3 = float.fromhex("0x1.612429bf36d09p-33")
SINH_TAIL_4 = float.fromhex("0x1.af7cc74f227b4p-41")

# 1/6 as the sum of two; 1/120, 1/5040, 1/9! and 1/11!.
SIXTH_F32 = floats("0x1.5555560000000p-3 -0x1.5555560000000p-28")
SINH_F32 = floats("0x1.1111120000000p-7 0x1.a01a020000000p-13 0x1.71de3a0000000p-19 0x1.ae64560000000p-26")

# 2**(j/32)
ROOTS_F32_32 = Roots(
    floats(
        "0x1.0000000000000p+0 0x1.059b0e0000000p+0 0x1.0b55860000000p+0 0x1.11301e0000000p+0 "
        "0x1.172b840000000p+0 0x1.1d48740000000p+0 0x1.2387a60000000p+0 0x1.29e9e00000000p+0 "
        "0x1.306fe00000000p+0 0x1.371a740000000p+0 0x1.3dea640000000p+0 0x1.44e0860000000p+0 "
        "0x1.4bfdae0000000p+0 0x1.5342b60000000p+0 0x1.5ab07e0000000p+0 0x1.6247ec0000000p+0 "
        "0x1.6a09e60000000p+0 0x1.71f75e0000000p+0 0x1.7a11480000000p+0 0x1.82589a0000000p+0 "
        "0x1.8ace540000000p+0 0x1.93737c0000000p+0 0x1.9c49180000000p+0 0x1.a5503c0000000p+0 "
        "0x1.ae89fa0000000p+0 0x1.b7f7700000000p+0 0x1.c199be0000000p+0 0x1.cb720e0000000p+0 "
        "0x1.d5818e0000000p+0 0x1.dfc9740000000p+0 0x1.ea4afa0000000p+0 0x1.f507660000000p+0 "
    ),
    floats(
        "0x0.0p+0 -0x1.9474160000000p-25 0x1.8d96d40000000p-25 -0x1.dda2fe0000000p-25 "
        "-0x1.9c0c220000000p-27 -0x1.a2fbb40000000p-25 0x1.9649020000000p-25 -0x1.2b0dbc0000000p-25 "
        "0x1.1250020000000p-25 -0x1.cde8ce0000000p-26 0x1.370be40000000p-25 0x1.336de20000000p-30 "
        "-0x1.0a35520000000p-25 -0x1.c541b60000000p-26 -0x1.00d8ac0000000p-27 -0x1.6cb2840000000p-25 "
        "0x1.26055c0000000p-26 0x1.8b2bb80000000p-26 -0x1.05cb440000000p-25 -0x1.1c21420000000p-26 "
        "0x1.67a1ca0000000p-28 -0x1.348e560000000p-25 0x1.a3b5e40000000p-28 -0x1.0b7ec80000000p-25 "
        "-0x1.f9c3060000000p-27 -0x1.e4c8860000000p-26 -0x1.6961b40000000p-28 -0x1.b5151e0000000p-28 "
        "-0x1.a5217c0000000p-28 -0x1.ab71320000000p-26 0x1.61428e0000000p-28 -0x1.2ad5f80000000p-27 "
    ),
    floats(
        "0x0.0p+0 -0x1.9474140000000p-25 0x1.8d96d40000000p-25 -0x1.dda2fc0000000p-25 "
        "-0x1.9c0c220000000p-27 -0x1.a2fbb20000000p-25 0x1.9649040000000p-25 -0x1.2b0dbc0000000p-25 "
        "0x1.1250020000000p-25 -0x1.cde8ce0000000p-26 0x1.370be40000000p-25 0x1.336de20000000p-30 "
        "-0x1.0a35500000000p-25 -0x1.c541b40000000p-26 -0x1.00d8ac0000000p-27 -0x1.6cb2840000000p-25 "
        "0x1.26055c0000000p-26 0x1.8b2bb80000000p-26 -0x1.05cb440000000p-25 -0x1.1c21420000000p-26 "
        "0x1.67a1ca0000000p-28 -0x1.348e560000000p-25 0x1.a3b5e40000000p-28 -0x1.0b7ec80000000p-25 "
        "-0x1.f9c3040000000p-27 -0x1.e4c8860000000p-26 -0x1.6961b40000000p-28 -0x1.b5151e0000000p-28 "
        "-0x1.a5217c0000000p-28 -0x1.ab71320000000p-26 0x1.61428e0000000p-28 -0x1.2ad5f80000000p-27 "
    ),
    floats(
        "0x1.62e4300000000p-1 0x1.6aa9980000000p-1 0x1.729a8e0000000p-1 0x1.7ab80c0000000p-1 "
        "0x1.8303040000000p-1 0x1.8b7c7a0000000p-1 0x1.94256e0000000p-1 0x1.9cfef40000000p-1 "
        "0x1.a60a100000000p-1 0x1.af47e20000000p-1 0x1.b8b97e0000000p-1 0x1.c2600e0000000p-1 "
        "0x1.cc3cb60000000p-1 0x1.d650a60000000p-1 0x1.e09d140000000p-1 0x1.eb233e0000000p-1 "
        "0x1.f5e4640000000p-1 0x1.0070ea0000000p+0 0x1.060e720000000p+0 0x1.0bcb720000000p+0 "
        "0x1.11a89c0000000p+0 0x1.17a6a80000000p+0 0x1.1dc6480000000p+0 0x1.24083e0000000p+0 "
        "0x1.2a6d480000000p+0 0x1.30f62a0000000p+0 0x1.37a3ac0000000p+0 0x1.3e76a00000000p+0 "
        "0x1.456fd20000000p+0 0x1.4c901e0000000p+0 0x1.53d85a0000000p+0 0x1.5b496a0000000p+0 "
    ),
    floats(
        "-0x1.05c6100000000p-29 -0x1.53e1c20000000p-26 0x1.3e15760000000p-26 -0x1.c4a1340000000p-25 "
        "-0x1.5c6f040000000p-26 -0x1.a21dd40000000p-26 0x1.eeb0820000000p-25 -0x1.e9a8cc0000000p-26 "
        "0x1.13161e0000000p-25 -0x1.c6bbf40000000p-27 0x1.4c1d3e0000000p-25 0x1.a1b2960000000p-29 "
        "-0x1.65a90c0000000p-28 -0x1.356bf80000000p-28 0x1.3d906a0000000p-29 -0x1.d0c9bc0000000p-27 "
        "0x1.b8c4a80000000p-26 0x1.9f6fde0000000p-25 -0x1.c2acd60000000p-26 -0x1.fa69a60000000p-28 "
        "0x1.5163180000000p-25 -0x1.d682200000000p-26 0x1.10c5a60000000p-25 0x1.3b170e0000000p-29 "
        "-0x1.a0ade60000000p-26 -0x1.bd62b20000000p-26 0x1.dc61140000000p-26 -0x1.71643c0000000p-26 "
        "0x1.8638b00000000p-26 -0x1.839aa60000000p-26 0x1.13b0260000000p-27 -0x1.ecd6a00000000p-27 "
    ),
)

# (exp(r) - 1 - r) / r**2: degree 2 on [-0.0108305, 0.0108305], error times r**2 2**-42.482
TAIL_F32_32 = floats("0x1.0000000000000p-1 0x1.5555c80000000p-3 0x1.5555da0000000p-5")

# (2**r - 1 - r ln(2)) / r**2: degree 2 on [-0.0156251, 0.0156251], error times r**2 2**-42.482
TAIL_OF_2_F32_32 = floats("0x1.ebfbe00000000p-3 0x1.c6b1260000000p-5 0x1.3b2b320000000p-7")

# 2**(j/8)
ROOTS_F32_8 = Roots(
    floats(
        "0x1.0000000000000p+0 0x1.172b840000000p+0 0x1.306fe00000000p+0 0x1.4bfdae0000000p+0 "
        "0x1.6a09e60000000p+0 0x1.8ace540000000p+0 0x1.ae89fa0000000p+0 0x1.d5818e0000000p+0 "
    ),
    floats(
        "0x0.0p+0 -0x1.9c0c220000000p-27 0x1.1250020000000p-25 -0x1.0a35520000000p-25 "
        "0x1.26055c0000000p-26 0x1.67a1ca0000000p-28 -0x1.f9c3060000000p-27 -0x1.a5217c0000000p-28 "
    ),
    floats(
        "0x0.0p+0 -0x1.9c0c220000000p-27 0x1.1250020000000p-25 -0x1.0a35500000000p-25 "
        "0x1.26055c0000000p-26 0x1.67a1ca0000000p-28 -0x1.f9c3040000000p-27 -0x1.a5217c0000000p-28 "
    ),
    floats(
        "0x1.62e4300000000p-1 0x1.8303040000000p-1 0x1.a60a100000000p-1 0x1.cc3cb60000000p-1 "
        "0x1.f5e4640000000p-1 0x1.11a89c0000000p+0 0x1.2a6d480000000p+0 0x1.456fd20000000p+0 "
    ),
    floats(
        "-0x1.05c6100000000p-29 -0x1.5c6f040000000p-26 0x1.13161e0000000p-25 -0x1.65a90c0000000p-28 "
        "0x1.b8c4a80000000p-26 0x1.5163180000000p-25 -0x1.a0ade60000000p-26 0x1.8638b00000000p-26 "
    ),
)

# (exp(r) - 1 - r) / r**2: degree 3 on [-0.043322, 0.043322], error times r**2 2**-41.356
TAIL_F32_8 = floats("0x1.0000000000000p-1 0x1.5555560000000p-3 0x1.555cf00000000p-5 0x1.11167a0000000p-7")

# (2**r - 1 - r ln(2)) / r**2: degree 3 on [-0.0625005, 0.0625005], error times r**2 2**-41.356
TAIL_OF_2_F32_8 = floats("0x1.ebfbe00000000p-3 0x1.c6b08e0000000p-5 0x1.3b31bc0000000p-7 0x1.5d8eea0000000p-10")

# 2**(j/16)
ROOTS_F64_16 = Roots(
    floats(
        "0x1.0000000000000p+0 0x1.0b5586cf9890fp+0 0x1.172b83c7d517bp+0 0x1.2387a6e756238p+0 "
        "0x1.306fe0a31b715p+0 0x1.3dea64c123422p+0 0x1.4bfdad5362a27p+0 0x1.5ab07dd485429p+0 "
        "0x1.6a09e667f3bcdp+0 0x1.7a11473eb0187p+0 0x1.8ace5422aa0dbp+0 0x1.9c49182a3f090p+0 "
        "0x1.ae89f995ad3adp+0 0x1.c199bdd85529cp+0 0x1.d5818dcfba487p+0 0x1.ea4afa2a490dap+0 "
    ),
    floats(
        "0x0.0p+0 0x1.79aa65d837b6cp-54 -0x1.01b15eaa59348p-55 0x1.68efde3a8a894p-54 "
        "0x1.34d754db0abb6p-55 0x1.59f48a72a4c6dp-55 0x1.690cebb7aafb0p-56 0x1.063e1e21c5409p-54 "
        "-0x1.3b3efbf5e2229p-54 -0x1.b32dcb94da51dp-56 0x1.db72fc1f0eab4p-55 0x1.1affc2b91ce27p-56 "
        "0x1.c1a7792cb3387p-55 0x1.36eae30af0cb3p-56 0x1.4a385a63d07a7p-56 -0x1.ff7128fd391f1p-55 "
    ),
    floats(
        "0x0.0p+0 0x1.79aa65d837b6dp-54 -0x1.01b15eaa59348p-55 0x1.68efde3a8a894p-54 "
        "0x1.34d754db0abb6p-55 0x1.59f48a72a4c6dp-55 0x1.690cebb7aafb0p-56 0x1.063e1e21c5409p-54 "
        "-0x1.3b3efbf5e2228p-54 -0x1.b32dcb94da51dp-56 0x1.db72fc1f0eab4p-55 0x1.1affc2b91ce27p-56 "
        "0x1.c1a7792cb3387p-55 0x1.36eae30af0cb3p-56 0x1.4a385a63d07a7p-56 -0x1.ff7128fd391f0p-55 "
    ),
    floats(
        "0x1.62e42fefa39efp-1 0x1.729a8ea61552bp-1 0x1.8303034203e45p-1 0x1.9425703358c38p-1 "
        "0x1.a60a1147227c1p-1 0x1.b8b97f9c704a0p-1 0x1.cc3cb5c605804p-1 0x1.e09d141ae101ep-1 "
        "0x1.f5e46537ab907p-1 0x1.060e71599b983p+0 0x1.11a89d042937ep+0 0x1.1dc648dba5fd3p+0 "
        "0x1.2a6d4750ced4ap+0 0x1.37a3acd129175p+0 0x1.456fd2b2ead5dp+0 0x1.53d85a41fffcbp+0 "
    ),
    floats(
        "0x1.abc9e3b39803fp-56 0x1.ec2dddf6473bbp-54 -0x1.51da2f38b4a71p-55 0x1.f09217dafe478p-56 "
        "0x1.ef22e430ec8dep-57 0x1.d98adc23cee8ep-56 0x1.2ff65436f5653p-57 0x1.e56035fecddc4p-57 "
        "-0x1.cf889ad13367fp-56 0x1.eaaa095f9c4c7p-58 0x1.b9baafad59171p-54 0x1.4fbbd589ce4d6p-54 "
        "0x1.0b80b0d4f3a34p-54 -0x1.15bfa6b8e3074p-55 0x1.83ddf7be46b10p-60 -0x1.23881d035dbd6p-55 "
    ),
)

# (exp(r) - 1 - r) / r**2: degree 5 on [-0.021661, 0.021661], error times r**2 2**-66.298
TAIL_F64_16 = floats(
    "0x1.0000000000004p-1 0x1.5555555555559p-3 0x1.555555547fd50p-5 0x1.111111107d32ap-7 "
    "0x1.6c184129c2f35p-10 0x1.a01b9ef77dbe8p-13 "
)

# (2**r - 1 - r ln(2)) / r**2: degree 5 on [-0.0312502, 0.0312502], error times r**2 2**-66.298
TAIL_OF_2_F64_16 = floats(
    "0x1.ebfbdff82c597p-3 0x1.c6b08d704a0c5p-5 0x1.3b2ab6fadfc50p-7 0x1.5d87fe77e92c9p-10 "
    "0x1.430a677125425p-13 0x1.ffcdf8bf6772cp-17 "
)

# log2(e) and log2(10); ln(2) and ln(10), each as the sum of two.
LOG2_F32 = floats("0x1.7154760000000p+0 0x1.a934f00000000p+1")
LN2_F32 = floats("0x1.62e4300000000p-1 -0x1.05c6100000000p-29")
LN10_F32 = floats("0x1.26bb1c0000000p+1 -0x1.12aaba0000000p-25")

# log10(2) rounded, and ln(2) less that times ln(10).
LOG10_2_F32 = floats("0x1.3441360000000p-2 -0x1.1b41720000000p-25")

# log2(e) and log2(10); ln(2) and ln(10), each as the sum of two.
LOG2_F64 = floats("0x1.71547652b82fep+0 0x1.a934f0979a371p+1")
LN2_F64 = floats("0x1.62e42fefa39efp-1 0x1.abc9e3b39803fp-56")
LN10_F64 = floats("0x1.26bb1bbb55516p+1 -0x1.f48ad494ea3e9p-53")

# log10(2) rounded, and ln(2) less that times ln(10).
LOG10_2_F64 = floats("0x1.34413509f79ffp-2 -0x1.dc5b0a78f8364p-58")

# Points near j/31, inverses of 1 more, and the logarithms of that as sums of two.
POINTS_F32_32 = floats(
    "0x0.0p+0 0x1.0820800000000p-5 0x1.0806b80000000p-4 0x1.8c62000000000p-4 "
    "0x1.07da1c0000000p-3 0x1.4a29340000000p-3 0x1.8be9840000000p-3 0x1.ce673a0000000p-3 "
    "0x1.082cb80000000p-2 0x1.2947860000000p-2 0x1.4a2b0a0000000p-2 0x1.6b59620000000p-2 "
    "0x1.8c471e0000000p-2 0x1.ad18500000000p-2 0x1.ce6be60000000p-2 0x1.ef3ff00000000p-2 "
    "0x1.07fb9c0000000p-1 0x1.18bbfe0000000p-1 0x1.2881600000000p-1 0x1.39b5d20000000p-1 "
    "0x1.4a17060000000p-1 0x1.5ac4220000000p-1 0x1.6b558e0000000p-1 0x1.7bb3600000000p-1 "
    "0x1.8c5d320000000p-1 0x1.9cce7c0000000p-1 0x1.ad4a2e0000000p-1 0x1.bdc4540000000p-1 "
    "0x1.ce6ada0000000p-1 0x1.dee2ae0000000p-1 0x1.ef641a0000000p-1 0x1.0000000000000p+0 "
)
INVERSES_F32_32 = floats(
    "0x1.0000000000000p+0 0x1.f001f80000000p-1 0x1.e0feca0000000p-1 0x1.d2d2f00000000p-1 "
    "0x1.c590bc0000000p-1 0x1.b8eb3a0000000p-1 0x1.ad0e6c0000000p-1 0x1.a1b1380000000p-1 "
    "0x1.97002e0000000p-1 0x1.8ccda40000000p-1 0x1.832a860000000p-1 0x1.79e8040000000p-1 "
    "0x1.71250a0000000p-1 0x1.68cecc0000000p-1 0x1.60b7e00000000p-1 0x1.5918be0000000p-1 "
    "0x1.51d2680000000p-1 0x1.4aaeec0000000p-1 0x1.443b9c0000000p-1 0x1.3d7a1c0000000p-1 "
    "0x1.374d3a0000000p-1 0x1.3141ae0000000p-1 0x1.2b7a900000000p-1 0x1.25fb680000000p-1 "
    "0x1.2096d20000000p-1 0x1.1b754c0000000p-1 0x1.167e960000000p-1 0x1.11b40e0000000p-1 "
    "0x1.0d06c20000000p-1 0x1.088e280000000p-1 0x1.0438800000000p-1 0x1.0000000000000p-1 "
)
POINT_LOGS_F32_32 = floats(
    "0x0.0p+0 0x1.03f5540000000p-5 0x1.ffbb300000000p-5 0x1.7a5b720000000p-4 "
    "0x1.f05fea0000000p-4 0x1.321a100000000p-3 0x1.69f4c60000000p-3 0x1.a0ee620000000p-3 "
    "0x1.d609300000000p-3 0x1.05004e0000000p-2 0x1.1e2d980000000p-2 0x1.36f7720000000p-2 "
    "0x1.4efcba0000000p-2 0x1.6660f40000000p-2 0x1.7d99460000000p-2 0x1.93f7d60000000p-2 "
    "0x1.a9c8fe0000000p-2 0x1.bfa7cc0000000p-2 0x1.d3d3d00000000p-2 0x1.e963ac0000000p-2 "
    "0x1.fd80f20000000p-2 0x1.08cac60000000p-1 0x1.1293700000000p-1 0x1.1c0f840000000p-1 "
    "0x1.258a480000000p-1 0x1.2eb9a20000000p-1 0x1.37c5340000000p-1 0x1.40a7c00000000p-1 "
    "0x1.497ad00000000p-1 0x1.520f7a0000000p-1 0x1.5a84ce0000000p-1 0x1.62e4300000000p-1 "
)
POINT_LOGS_LOW_F32_32 = floats(
    "0x0.0p+0 0x1.1bde520000000p-30 0x1.9827a20000000p-30 0x1.3ef4de0000000p-30 "
    "0x1.5bae5c0000000p-29 -0x1.4160740000000p-30 -0x1.89dd520000000p-29 0x1.8666b40000000p-29 "
    "0x1.01ec7a0000000p-28 -0x1.319afe0000000p-31 0x1.67c1b60000000p-28 0x1.6c04e00000000p-27 "
    "0x1.6578040000000p-27 -0x1.1f4b340000000p-28 0x1.113f120000000p-27 -0x1.fdf63a0000000p-30 "
    "0x1.b808720000000p-28 0x1.14279c0000000p-27 0x1.3b316c0000000p-27 0x1.18bd460000000p-29 "
    "-0x1.4a737e0000000p-28 -0x1.69a8980000000p-26 0x1.597e580000000p-26 0x1.55cb560000000p-26 "
    "-0x1.a115a60000000p-26 -0x1.e9acb60000000p-26 -0x1.10da440000000p-26 -0x1.57655e0000000p-26 "
    "0x1.01ff220000000p-27 0x1.b5db5a0000000p-29 0x1.c838380000000p-26 -0x1.05c6100000000p-29 "
)

# (log(1 + z) - z + z**2 / 2) / z**3: degree 3 on [-0.016192, 0.016192], absolute error 2**-29.587
CUBE_F32_32 = floats("0x1.5555560000000p-2 -0x1.0000000000000p-2 0x1.99ad3e0000000p-3 -0x1.5566840000000p-3")

# Points near j/7, inverses of 1 more, and the logarithms of that as sums of two.
POINTS_F32_8 = floats(
    "0x0.0p+0 0x1.2492000000000p-3 0x1.2492200000000p-2 0x1.b5f6040000000p-2 "
    "0x1.2445d80000000p-1 0x1.6db6c00000000p-1 0x1.b67c260000000p-1 0x1.0000000000000p+0 "
)
INVERSES_F32_8 = floats(
    "0x1.0000000000000p+0 0x1.c0000e0000000p-1 0x1.8e38f00000000p-1 0x1.669ea40000000p-1 "
    "0x1.45f06c0000000p-1 0x1.2aaab40000000p-1 0x1.13ccde0000000p-1 0x1.0000000000000p-1 "
)
POINT_LOGS_F32_8 = floats(
    "0x0.0p+0 0x1.1178a80000000p-3 0x1.0158720000000p-2 0x1.6c9b8e0000000p-2 "
    "0x1.ce73e20000000p-2 0x1.13f74a0000000p-1 0x1.3cbf640000000p-1 0x1.62e4300000000p-1 "
)
POINT_LOGS_LOW_F32_8 = floats(
    "0x0.0p+0 0x1.13ea3e0000000p-30 -0x1.b0ac840000000p-29 0x1.d0b5be0000000p-27 "
    "-0x1.35f6440000000p-27 -0x1.22c7d80000000p-26 0x1.cf837e0000000p-27 -0x1.05c6100000000p-29 "
)

# (log(1 + z) - z + z**2 / 2) / z**3: degree 4 on [-0.0717076, 0.0717076], absolute error 2**-25.925
CUBE_F32_8 = floats(
    "0x1.5555560000000p-2 -0x1.ffff740000000p-3 0x1.99991e0000000p-3 -0x1.56fc4e0000000p-3 "
    "0x1.260a4c0000000p-3 "
)

# Short numbers near 1/m, and their logarithms.
LOGS_F64_16 = Logs(
    float.fromhex("0x1.df0a3d70a3d71p+3"),
    floats(
        "0x1.e000000000000p-1 0x1.c000000000000p-1 0x1.b000000000000p-1 0x1.9000000000000p-1 "
        "0x1.8000000000000p-1 0x1.7000000000000p-1 0x1.6000000000000p-1 0x1.5000000000000p-1 "
        "0x1.4000000000000p-1 0x1.3000000000000p-1 0x1.2800000000000p-1 0x1.2000000000000p-1 "
        "0x1.1000000000000p-1 0x1.0800000000000p-1 0x1.0000000000000p-1 0x1.0000000000000p+0 "
    ),
    floats(
        "0x1.08598b59e4000p-4 0x1.1178e8227e000p-3 0x1.5bf406b544000p-3 0x1.f991c6cb3b000p-3 "
        "0x1.269621134d800p-2 0x1.522ae0738a000p-2 0x1.7fafa3bd81800p-2 0x1.af5295248d000p-2 "
        "0x1.e148a1a272800p-2 0x1.0ae76e2d05400p-1 0x1.188ee40f23c00p-1 0x1.269621134dc00p-1 "
        "0x1.43d9ff2f92400p-1 0x1.5322e26867800p-1 0x1.62e42fefa3800p-1 0x0.0p+0 "
    ),
    floats(
        "-0x1.7e5dd7009902cp-46 0x1.1ef78ce2d07f2p-45 -0x1.27023eb68981cp-46 0x1.bcbecca0cdf30p-46 "
        "0x1.c93c1df5bb3b6p-45 0x1.ebe708164c759p-45 -0x1.72090c812566ap-45 -0x1.17cc552774458p-45 "
        "-0x1.326b207322938p-46 0x1.f486b887e7e27p-46 0x1.4cc4ef8ab4650p-46 -0x1.b61f105226250p-47 "
        "-0x1.d984f481051f7p-48 0x1.5ccc45d257531p-47 0x1.ef35793c76730p-45 0x0.0p+0 "
    ),
    floats("0x1.62e42fefa3800p-1 0x1.ef35793c76730p-45"),
)

# (log(1 + r) - r + r**2 / 2) / r**3: degree 8 on [-0.0355711, 0.0427104], error times its weight 2**-65.322
LOG_TAIL_F64 = floats(
    "0x1.555555555554fp-2 -0x1.ffffffffffcfbp-3 0x1.99999999b6306p-3 -0x1.55555559e9f81p-3 "
    "0x1.249247fbc5e80p-3 -0x1.ffffb2e5d9c80p-4 0x1.c7258f2706136p-4 -0x1.9aa996e9e4c72p-4 "
    "0x1.68aeface743a8p-4 "
)

# (log(1 + r) - r + r**2 / 2 - r**3 / 3 + r**4 / 4) / r**5: degree 9 on this interval, absolute error 2**-59.656
MIDDLE_LOG_TAIL = floats(
    "0x1.999999999999ap-3 -0x1.555555555554ep-3 0x1.249249249217dp-3 -0x1.00000000140e6p-3 "
    "0x1.c71c71cf9349ep-4 -0x1.999997e366d1fp-4 0x1.745cd3a5cd89dp-4 -0x1.555c2286e9c94p-4 "
    "0x1.3bf6fb113dc87p-4 -0x1.1bf1e0eb1b8abp-4 "
)

# 1/3 as the sum of two.
THIRD = floats("0x1.5555555555555p-2 0x1.5555555555555p-56")

# log2(e) and log10(e), each as the sum of two.
LOG2_E_F64 = floats("0x1.71547652b82fep+0 0x1.777d0ffda0d24p-56")
LOG2_E_F32 = floats("0x1.7154760000000p+0 0x1.4ae0c00000000p-26")
LOG10_E_F64 = floats("0x1.bcb7b1526e50ep-2 0x1.95355baaafad3p-57")
LOG10_E_F32 = floats("0x1.bcb7b20000000p-2 -0x1.5b235e0000000p-27")

# Short numbers near 1/m, and their logarithms.
LOGS_F32_32 = Logs(
    float.fromhex("0x1.eee1480000000p+4"),
    floats(
        "0x1.f000000000000p-1 0x1.e000000000000p-1 0x1.d000000000000p-1 0x1.c400000000000p-1 "
        "0x1.b800000000000p-1 0x1.ac00000000000p-1 0x1.a000000000000p-1 0x1.9800000000000p-1 "
        "0x1.8c00000000000p-1 0x1.8000000000000p-1 0x1.7800000000000p-1 0x1.7000000000000p-1 "
        "0x1.6800000000000p-1 0x1.6000000000000p-1 0x1.5800000000000p-1 0x1.5000000000000p-1 "
        "0x1.4800000000000p-1 0x1.4400000000000p-1 0x1.3c00000000000p-1 0x1.3800000000000p-1 "
        "0x1.3000000000000p-1 0x1.2c00000000000p-1 0x1.2400000000000p-1 0x1.2000000000000p-1 "
        "0x1.1c00000000000p-1 0x1.1400000000000p-1 0x1.1000000000000p-1 0x1.0c00000000000p-1 "
        "0x1.0800000000000p-1 0x1.0400000000000p-1 0x1.0000000000000p-1 0x1.0000000000000p+0 "
    ),
    floats(
        "0x1.0410000000000p-5 0x1.0858000000000p-4 0x1.9338000000000p-4 0x1.fe88000000000p-4 "
        "0x1.3660000000000p-3 0x1.6f00000000000p-3 0x1.a940000000000p-3 0x1.d104000000000p-3 "
        "0x1.0714000000000p-2 0x1.2696000000000p-2 0x1.3c26000000000p-2 0x1.522a000000000p-2 "
        "0x1.68ac000000000p-2 0x1.7fb0000000000p-2 0x1.973a000000000p-2 0x1.af52000000000p-2 "
        "0x1.c800000000000p-2 0x1.d490000000000p-2 0x1.ee2a000000000p-2 0x1.fb36000000000p-2 "
        "0x1.0ae7000000000p-1 0x1.11b0000000000p-1 0x1.1f86000000000p-1 0x1.2696000000000p-1 "
        "0x1.2dbf000000000p-1 0x1.3c61000000000p-1 0x1.43da000000000p-1 0x1.4b70000000000p-1 "
        "0x1.5323000000000p-1 0x1.5af4000000000p-1 0x1.62e4000000000p-1 0x0.0p+0 "
    ),
    floats(
        "0x1.76279d1111c06p-19 0x1.8b59e3a0688a4p-20 -0x1.0d1535b3ba8f1p-19 0x1.139dbd56594d8p-20 "
        "-0x1.a7f537f4e82bfp-22 0x1.28b756abb9c87p-19 -0x1.2c375261c90d4p-19 -0x1.01b3543094fcfp-20 "
        "-0x1.e7eca9e76324fp-20 0x1.089a6dc93c1dfp-21 -0x1.b11999cf89569p-19 0x1.c0e7147af9c20p-19 "
        "0x1.07d38d42834cap-19 -0x1.7109fab904864p-20 0x1.a189ab56e762dp-21 0x1.2a4919ba0ceabp-19 "
        "-0x1.8e2eaacdb6ee1p-20 0x1.236f7d35bafeap-21 0x1.56b413e4fe8b5p-22 -0x1.d4216ddef40b8p-20 "
        "0x1.b8b4153e90d71p-19 -0x1.f70e2956191efp-19 0x1.afe30b2c6de9bp-20 0x1.089a6dc93c1dfp-20 "
        "0x1.55ec37d0b235fp-19 -0x1.fcf25012b7368p-19 -0x1.a0db876613d20p-26 -0x1.483479f047751p-20 "
        "-0x1.d97987a8ccee9p-21 0x1.70d9277e98eb0p-23 0x1.7f7d1cf79abcap-20 0x0.0p+0 "
    ),
    floats("0x1.62e4000000000p-1 0x1.7f7d1cf79abcap-20"),
)

# (log(1 + r) - r + r**2 / 2) / r**3: degree 3 on [-0.0184489, 0.0184287], error times its weight 2**-42.049
LOG_TAIL_F32_32 = floats("0x1.5555540000000p-2 -0x1.fffffe0000000p-3 0x1.99bcf20000000p-3 -0x1.557f900000000p-3")

# Short numbers near 1/m, and their logarithms.
LOGS_F32_8 = Logs(
    float.fromhex("0x1.c1eb860000000p+2"),
    floats(
        "0x1.c000000000000p-1 0x1.9000000000000p-1 0x1.6000000000000p-1 0x1.4000000000000p-1 "
        "0x1.3000000000000p-1 0x1.1000000000000p-1 0x1.0000000000000p-1 0x1.0000000000000p+0 "
    ),
    floats(
        "0x1.1178000000000p-3 0x1.f990000000000p-3 0x1.7fb0000000000p-2 0x1.e148000000000p-2 "
        "0x1.0ae7000000000p-1 0x1.43da000000000p-1 0x1.62e4000000000p-1 0x0.0p+0 "
    ),
    floats(
        "0x1.d044fc8f7bc67p-20 0x1.c6cb3b3797d99p-19 -0x1.7109fab904864p-20 0x1.4344e4d9b29bfp-19 "
        "0x1.b8b4153e90d71p-19 -0x1.a0db876613d20p-26 0x1.7f7d1cf79abcap-20 0x0.0p+0 "
    ),
    floats("0x1.62e4000000000p-1 0x1.7f7d1cf79abcap-20"),
)

# (log(1 + r) - r + r**2 / 2) / r**3: degree 4 on [-0.070946, 0.0668563], error times its weight 2**-35.253
LOG_TAIL_F32_8 = floats(
    "0x1.5555560000000p-2 -0x1.ffff400000000p-3 0x1.9993160000000p-3 -0x1.57223a0000000p-3 "
    "0x1.2a8a7e0000000p-3 "
)

# (cosh(r) - 1) / r**2: degree 1 in r**2, on [0, 0.0001173], absolute error 2**-38.607
COSH_F32_32 = floats("0x1.0000000000000p-1 0x1.5555ac0000000p-5")

# (sinh(r) - r) / r**3: degree 1 in r**2, on [0, 0.0001173], absolute error 2**-41.414
SINH_F32_32 = floats("0x1.5555560000000p-3 0x1.1111440000000p-7")

# (tanh(r) - r) / r**3: degree 1 in r**2, on [0, 2.9325e-5], absolute error 2**-37.327
TANH_F32_32 = floats("-0x1.5555560000000p-2 0x1.11103c0000000p-3")

# (cosh(r) - 1) / r**2: degree 1 in r**2, on [0, 0.0018768], absolute error 2**-30.607
COSH_F32_8 = floats("0x1.0000000000000p-1 0x1.555acc0000000p-5")

# (sinh(r) - r) / r**3: degree 1 in r**2, on [0, 0.0018768], absolute error 2**-33.414
SINH_F32_8 = floats("0x1.5555560000000p-3 0x1.1114300000000p-7")

# (tanh(r) - r) / r**3: degree 1 in r**2, on [0, 0.0004692], absolute error 2**-29.327
TANH_F32_8 = floats("-0x1.5555560000000p-2 0x1.1103ca0000000p-3")

# (cosh(r) - 1) / r**2: degree 3 in r**2, on [0, 0.0004692], absolute error 2**-73.021
COSH_F64_16 = floats("0x1.0000000000000p-1 0x1.5555555555556p-5 0x1.6c16c16bc15fbp-10 0x1.a01b1df538c07p-16")

# (sinh(r) - r) / r**3: degree 2 in r**2, on [0, 0.0004692], absolute error 2**-56.642
SINH_F64_16 = floats("0x1.5555555555556p-3 0x1.11111110e10a2p-7 0x1.a01b0c2fe5472p-13")

# (tanh(r) - r) / r**3: degree 3 in r**2, on [0, 0.0001173], absolute error 2**-66.048
TANH_F64_16 = floats("-0x1.5555555555555p-2 0x1.1111111111090p-3 -0x1.ba1ba1a5289a5p-5 0x1.66469002e24fep-6")

# float64: the greatest argument whose hyperbolic sine is finite, as is the cosine.
DOUBLE_SINH_MAX = float.fromhex("0x1.633ce8fb9f87dp+9")

# (sinh(x) - x) / x**3: degree 6 in x**2, on [0, 1], absolute error 2**-61.319
WIDE_SINH = floats(
    "0x1.5555555555555p-3 0x1.11111111110fdp-7 0x1.a01a01a01ee70p-13 0x1.71de3a4e14f40p-19 "
    "0x1.ae6460fae3728p-26 0x1.611cb330c1fe8p-33 0x1.b41232cf9950fp-41 "
)

# float64: the greatest arguments with finite powers, and the least with powers of at least 2**-1022.
DOUBLE_EXP_MAX = float.fromhex("0x1.62e42fefa39efp+9")
DOUBLE_EXP_NORMAL = float.fromhex("-0x1.6232bdd7abcd2p+9")
DOUBLE_EXP10_MAX = float.fromhex("0x1.34413509f79fep+8")
DOUBLE_EXP10_NORMAL = float.fromhex("-0x1.33a7146f72a41p+8")

# float32: the greatest arguments with finite powers, and the least with powers of at least 2**-126.
SINGLE_EXP_MAX = np.float32(float.fromhex("0x1.62e42e0000000p+6"))
SINGLE_EXP_NORMAL = np.float32(float.fromhex("-0x1.5d589e0000000p+6"))
SINGLE_EXP10_MAX = np.float32(float.fromhex("0x1.3441340000000p+5"))
SINGLE_EXP10_NORMAL = np.float32(float.fromhex("-0x1.2f70300000000p+5"))

# float64, accurate phase: log2 of the bases in units of 2**-190.
WIDE_LOG2_2 = words(0x4000000000000000, 0x0000000000000000, 0x0000000000000000)
WIDE_LOG2_E = words(0x5C551D94AE0BF85D, 0xDF43FF68348E9F44, 0x75ABBD546EB4AD2C)
WIDE_LOG2_10 = words(0xD49A784BCD1B8AFE, 0x492BF6FF4DAFDB4C, 0xD96C55FE37B3AD4F)

# WIDE_EXP2, (2**f - 1) / f: degree 21 on [-0.5, 0.5], absolute error 2**-129.59; in units of 2**-128.
WIDE_EXP2_0 = words(0xB17217F7D1CF79AB, 0xC9E3B39803F2F6B0)
WIDE_EXP2_1 = words(0x3D7F7BFF058B1D50, 0xDE2D60DD92E6BF95)
WIDE_EXP2_2 = words(0x0E35846B82505FC5, 0x99D3B15D995E95BB)
WIDE_EXP2_3 = words(0x0276556DF749CEE5, 0x39977C16A7DD5898)
WIDE_EXP2_4 = words(0x005761FF9E299CC4, 0x41C5FDA69453C0DF)
WIDE_EXP2_5 = words(0x000A184897C363C3, 0xB7A58544C3591FC6)
WIDE_EXP2_6 = words(0x0000FFE5FE2C4586, 0x34358A8E640E8F47)
WIDE_EXP2_7 = words(0x0000162C0223A5C8, 0x23FD8FFE606C4302)
WIDE_EXP2_8 = words(0x000001B5253D395E, 0x7C3DA4A7146148D7)
WIDE_EXP2_9 = words(0x0000001E4CF5158B, 0x8EC9F6FDA205E208)
WIDE_EXP2_10 = words(0x00000001E8CAC735, 0x1BB24C0EE717BC7E)
WIDE_EXP2_11 = words(0x000000001C3BD650, 0xFC2985E2B228BC8B)
WIDE_EXP2_12 = words(0x0000000001816193, 0x166D0F9B453C5715)
WIDE_EXP2_13 = words(0x0000000000131496, 0x4D5878A999BFA5C6)
WIDE_EXP2_14 = words(0x000000000000E1B7, 0x421D81DAD90F1835)
WIDE_EXP2_15 = words(0x00000000000009C7, 0x44D73CFB3F49AD89)
WIDE_EXP2_16 = words(0x0000000000000066, 0x1112D127FE1C4EF0)
WIDE_EXP2_17 = words(0x0000000000000003, 0xEE2ED7BBD2BCE558)
WIDE_EXP2_18 = words(0x0000000000000000, 0x24B4FB74771FB7C2)
WIDE_EXP2_19 = words(0x0000000000000000, 0x0145ACB4EC3DFB51)
WIDE_EXP2_20 = words(0x0000000000000000, 0x000AC37B117712E1)
WIDE_EXP2_21 = words(0x0000000000000000, 0x000056CE7F868008)

# float64, accurate phase of logarithms, in units of 2**-192; log10(e) and log2(e) in units of 2**-128.
WIDE_LN2 = words(0xB17217F7D1CF79AB, 0xC9E3B39803F2F6AF, 0x40F343267298B62E)
WIDE_TWICE_LOG10_2 = words(0x9A209A84FBCFF798, 0x8F8959AC0B7C9178, 0x26AD30C543D1F34A)
WIDE_TWICE_LOG10_E = words(0xDE5BD8A937287195, 0x355BAAAFAD33DC32)
WIDE_HALF_LOG2_E = words(0xB8AA3B295C17F0BB, 0xBE87FED0691D3E89)

# WIDE_SEED: degree 5 on [0.0, 0.0294373], absolute error 2**-45.069
WIDE_SEED_0 = float.fromhex("0x1.fffffffffff12p-1")
WIDE_SEED_1 = float.fromhex("0x1.555555567148cp-2")
WIDE_SEED_2 = float.fromhex("0x1.9999962c06032p-3")
WIDE_SEED_3 = float.fromhex("0x1.2494381ee5869p-3")
WIDE_SEED_4 = float.fromhex("0x1.c620ee6e2b4a3p-4")
WIDE_SEED_5 = float.fromhex("0x1.9192e478c4308p-4")

# Coefficients of log(1 + x), sinh(x) and tanh(x), in units of 2**-192.
WIDE_LOG1P_2 = words(0x8000000000000000, 0x0000000000000000, 0x0000000000000000)
WIDE_LOG1P_3 = words(0x5555555555555555, 0x5555555555555555, 0x5555555555555555)
WIDE_LOG1P_4 = words(0x4000000000000000, 0x0000000000000000, 0x0000000000000000)
WIDE_LOG1P_5 = words(0x3333333333333333, 0x3333333333333333, 0x3333333333333333)
WIDE_LOG1P_6 = words(0x2AAAAAAAAAAAAAAA, 0xAAAAAAAAAAAAAAAA, 0xAAAAAAAAAAAAAAAB)
WIDE_SINH_3 = words(0x2AAAAAAAAAAAAAAA, 0xAAAAAAAAAAAAAAAA, 0xAAAAAAAAAAAAAAAB)
WIDE_SINH_5 = words(0x0222222222222222, 0x2222222222222222, 0x2222222222222222)
WIDE_SINH_7 = words(0x000D00D00D00D00D, 0x00D00D00D00D00D0, 0x0D00D00D00D00D01)
WIDE_TANH_3 = words(0x5555555555555555, 0x5555555555555555, 0x5555555555555555)
WIDE_TANH_5 = words(0x2222222222222222, 0x2222222222222222, 0x2222222222222222)
WIDE_TANH_7 = words(0x0DD0DD0DD0DD0DD0, 0xDD0DD0DD0DD0DD0D, 0xD0DD0DD0DD0DD0DD)
