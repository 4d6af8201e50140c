"""What gives the functions to a library's own machinery: its gradients, its transformations, its compiler."""
