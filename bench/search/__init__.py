"""Hyper-parameter search: trials are jobs, chosen on held-out images, and what they cost is kept."""
