"""The functions on CUDA devices."""
