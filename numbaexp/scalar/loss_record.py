"""The record of a row for its cross entropy: ``RECORD`` float64, at the indices below."""

# The greatest element and the logarithm of the sum, a pair; the part of the loss that falls to all classes, a pair; the
# class; and its weight, as a pair, whose low part is 0.
GREATEST, LOGARITHM, LOGARITHM_LOW, PART, PART_LOW, PLACE, WEIGHT, WEIGHT_LOW = range(8)
RECORD = 8
# The loss and the factor of its gradient overwrite the fields that they are computed from. Before a part is known, its
# field has how many bytes behind the first weights of the classes those of the row are.
LOSS, LOSS_LOW = GREATEST, LOGARITHM
NUMBER = GREATEST
BEHIND = PART

# Special values of the class: the target is not a class, or the row is ignored.
NOWHERE, IGNORED = -1, -2
