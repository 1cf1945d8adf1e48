"""What is done to images before the critic sees them."""
