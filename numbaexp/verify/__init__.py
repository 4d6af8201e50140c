"""Checks of the accuracy of this package."""
