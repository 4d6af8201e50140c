"""The exit statuses of the checks; the last is the shell's for a program stopped by Ctrl-C."""

RIGHT, WRONG, CANNOT, INTERRUPTED = 0, 1, 2, 130
