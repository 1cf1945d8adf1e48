"""Prepared data sets on disk: written once, mapped read-only, verified."""
