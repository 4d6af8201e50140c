"""The functions inside other libraries' own machinery: compilers, transformations, gradients, graphs of blocks."""
