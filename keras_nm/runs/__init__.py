"""Training runs: directories that hold all that repeats them, and what one makes of them."""
