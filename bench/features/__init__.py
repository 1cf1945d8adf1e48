"""Images become features, once: samples, the cache, and the feature networks."""
