"""Training runs: their directories, tables and pictures."""
