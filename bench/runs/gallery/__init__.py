"""What is kept beside a record to look at. Nothing here can move a score."""
