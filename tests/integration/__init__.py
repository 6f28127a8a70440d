"""A lab of real processes."""
