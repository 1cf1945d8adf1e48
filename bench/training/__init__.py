"""A GAN learns and is sampled: the loop, its checkpoints, and the conformance check."""
