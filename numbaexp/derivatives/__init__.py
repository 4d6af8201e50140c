"""The one table of derivatives, for the tape and for the libraries that differentiate by themselves."""
