"""The records of rows of which elements are selected, ``RECORD`` float64 each, at the indices below.

The record of a selected element is that of ``numbaexp.scalar.loss_record``: of it are used the place, the weight, which
is 1, or NaN where there is no such place, and the part, for the gradient of the element.
"""

# The greatest element and the logarithm of the sum, a pair; the sum of the gradients, a pair, and negated, as a number.
GREATEST, LOGARITHM, LOGARITHM_LOW, TOTAL, TOTAL_LOW, NEGATED = range(6)
# How many elements are selected, and the step in float64 from one's record to the next one's.
COUNT, STEP = 6, 7
RECORD = 8
