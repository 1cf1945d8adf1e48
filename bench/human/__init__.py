"""A study with people: one offline page that asks, and what its answers say."""
