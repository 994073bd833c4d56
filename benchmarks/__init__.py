"""What measures speed, memory and growth: each figure as a ratio against a ceiling of the same run."""
