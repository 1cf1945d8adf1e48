"""The data sets of the field: where their files are, how they are read, and what they must hold."""
