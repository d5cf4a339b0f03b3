"""One file for each published system: what it reproduces, the command, the result measured with it."""
