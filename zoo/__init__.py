"""The reference GANs: one paper per file. The first plug-in of the bench, treated like anybody else's."""
