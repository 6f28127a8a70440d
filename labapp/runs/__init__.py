"""Experiments and runs: their states, events, metrics and checkpoints."""
