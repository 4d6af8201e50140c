"""Constants of the scalars. Written by ``derive_constants.py``; do not edit.

Each polynomial interpolates its function in the Chebyshev points, which is the minimax one but for a hair; its comment
states the interval and the absolute error before the coefficients are rounded to the type that evaluates them.
"""

import numpy as np

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

# float32, evaluated in float64: log2(e).
SINGLE_LOG2E = float.fromhex("0x1.71547652b82fep+0")

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

# float64: 4 / ln(2); ln(2) / 4 as 40 bits, whose product with |n| < 2**13 is exact, and the rest.
DOUBLE_STEPS = float.fromhex("0x1.71547652b82fep+2")
DOUBLE_STEP_HI = float.fromhex("0x1.62e42fefa2000p-3")
DOUBLE_STEP_LO = float.fromhex("0x1.9ef35793c7673p-43")

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
