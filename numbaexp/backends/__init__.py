"""Arrays of other libraries: how each is recognised, read and written where it lives."""
