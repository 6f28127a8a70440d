"""Built-in tasks: each poses problems without end from a seed and verifies answers. Standard library only."""
