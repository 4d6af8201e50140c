"""The fast phases of the gradients, by level; see ``numbaexp.scalar.fast``."""

from numbaexp.scalar.fast import powers_at
from numbaexp.scalar.forms import Fast
from numbaexp.scalar.ieee import MAGNITUDE_F32
from numbaexp.scalar.tabled_gradients import PRODUCTS, make_gradient, make_half_gradient, product_of_bfloats
from numbaexp.scalar.tabled_half import CONVERSIONS, MAGNITUDE
from numbaexp.vector.level import Level


def fast_gradient(name: str, dtype: str, level: Level) -> Fast | None:
    """Return the fast phase of a gradient, without a limit of arguments, or None where the level has none for it."""
    in_halves = dtype in CONVERSIONS
    powers = powers_at("float32", level, False)
    if powers is not None and (name, dtype) == ("exp_backward", "bfloat16"):
        return Fast(product_of_bfloats, int(MAGNITUDE))
    if powers is None or name not in PRODUCTS or dtype == "float64":
        return None
    if in_halves:
        return Fast(make_half_gradient(name, dtype, powers), int(MAGNITUDE))
    return Fast(make_gradient(name, powers), int(MAGNITUDE_F32))
