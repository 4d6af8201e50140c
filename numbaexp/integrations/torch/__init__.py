"""PyTorch: calls that it has to know of become its operators, of which it is told gradients, shapes and batches."""
