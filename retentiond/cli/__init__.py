"""The command line: arguments in, text or JSON out. The only package that prints; it decides nothing."""
