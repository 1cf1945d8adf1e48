"""What is kept: one record per run, written once and never edited. Needs no torch."""
