"""The `hipus` command, for people with their own sweeps.

Decides options and output; the only place where options are parsed. Every command prints
machine-readable JSON with units in its keys on standard output and everything else on
standard error, so that a script can read the one and a person the other.
"""

from hipus.cli.app import main

__all__ = ["main"]
