"""Records become rows. Needs no torch."""
