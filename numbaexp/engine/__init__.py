"""The pipeline of a call: intercept once, then backend, plan, target, kernel, wrap."""
