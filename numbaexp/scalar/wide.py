import numpy as np
from numbaexp.scalar import single
from numbaexp.scalar.ieee import scalar
@scalar
def wide_exp(x):
    power = single.exp(min(max(x, -400.0), 400.0))
    r = 0.0 if x < -400.0 else power
    r = np.inf if x > 400.0 else r
    return r if x == x else x
WIDE={"exp":wide_exp}
