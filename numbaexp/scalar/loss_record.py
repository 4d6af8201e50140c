"""The record of a row for its cross entropy: ``RECORD`` float64, at the places below."""

# The greatest element and the logarithm of the sum, a pair; the part of the loss that falls to all classes, a pair; the
# class; and its weight, as a pair, whose low part is 0.
GREATEST, LOGARITHM, LOGARITHM_LOW, PART, PART_LOW, PLACE, WEIGHT, WEIGHT_LOW = range(8)
RECORD = 8
# The loss and the number that its gradient is multiplied by take the place of what they are made of.
LOSS, LOSS_LOW = GREATEST, LOGARITHM
NUMBER = GREATEST

# In the place of a class: the row's target has none, or the row counts for nothing.
NOWHERE, IGNORED = -1, -2
