"""Dask: graphs of blocks, of which nothing is computed before."""
