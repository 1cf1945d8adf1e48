"""How players are trained: turns, games, optimisers, rates, priors, memories."""
