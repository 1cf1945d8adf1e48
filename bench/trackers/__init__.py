"""Experiment trackers: what a run tells them, and those that are known."""
