"""Training runs: their directories, and all that one does with them."""
