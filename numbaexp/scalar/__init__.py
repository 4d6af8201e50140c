"""The mathematics, written once: scalars that CPU and CUDA code alike compile."""
