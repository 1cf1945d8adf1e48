"""Whom a sampler leaves out, and whether a folder is like a data set."""
