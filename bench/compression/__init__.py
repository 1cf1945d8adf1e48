"""Compressed copies of trained members, scored beside their parents."""
