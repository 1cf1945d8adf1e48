"""A trained generator behind HTTP: images by their seeds, bounds on everything that is asked, and what it costs."""
