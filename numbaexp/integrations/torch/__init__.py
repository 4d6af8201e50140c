"""Custom operators of PyTorch for calls that it must see, with rules for gradients, shapes and batching."""
