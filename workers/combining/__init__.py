"""Combinations: each file makes one reward of several, and may be a node of a reward put together from parts."""
