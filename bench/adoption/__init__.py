"""Generators that were trained elsewhere, as rows of a suite."""
