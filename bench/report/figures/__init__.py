"""The figures: records and boards in, drawings out. Each comes with a title, a caption and the table behind it."""
