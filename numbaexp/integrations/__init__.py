"""Integration with other libraries' compilers, transformations, automatic differentiation and task graphs."""
