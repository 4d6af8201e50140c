"""What the accuracy of this package is checked with."""
