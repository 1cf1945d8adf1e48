"""The command line: one file per verb, every verb a thin call into the modules above."""

from bench.cli.guard import main

__all__ = ["main"]
