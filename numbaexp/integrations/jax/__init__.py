"""JAX: calls that it traces become a primitive, of which it is told derivatives, shapes and batches."""
