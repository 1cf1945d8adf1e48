"""A folder of pictures becomes rows of pixels."""
