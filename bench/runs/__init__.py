"""One job from its first image to its record."""
