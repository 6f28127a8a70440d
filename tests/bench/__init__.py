"""Benches: figures, not verdicts."""
