"""The reference GANs. One paper per file here; what papers share is in the folders below.

The first plug-in of the bench, treated like anybody else's.
"""
