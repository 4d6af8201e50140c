"""Primitives of JAX for traced calls, with rules for shapes, derivatives and batching."""
