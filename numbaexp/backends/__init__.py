"""Backends: adapters for the arrays of each library, which detect, read, allocate and write them."""
