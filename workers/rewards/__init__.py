"""Rewards: each file scores completions with one function `reward`."""
