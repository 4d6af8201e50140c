"""The table of derivatives, for the tape and for libraries with automatic differentiation of their own."""
