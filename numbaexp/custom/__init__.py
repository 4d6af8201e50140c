"""Elementwise functions that users write: checked, captured as they are, and described as operations."""
