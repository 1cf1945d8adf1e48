"""The functions for Python and notebooks, docs/python.md. Their names are those of `import bench`."""
