"""The table of the family: for each function, its scalar in each float type. A new function is a row here."""

from numbaexp.scalar.expm1 import EXPM1
from numbaexp.scalar.powers import EXP, EXP2, EXP10
from numbaexp.scalar.sigmoid import SIGMOID
from numbaexp.scalar.softplus import SOFTPLUS

FAMILY = {
    "exp": EXP,
    "exp2": EXP2,
    "exp10": EXP10,
    "expm1": EXPM1,
    "sigmoid": SIGMOID,
    "softplus": SOFTPLUS,
}
