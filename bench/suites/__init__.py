"""What is asked: a suite in TOML becomes rules with a digest. Needs no torch."""
