"""Rows become verdicts: comparison and gate."""
