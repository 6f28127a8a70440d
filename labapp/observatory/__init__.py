"""What one can see of a run: rollouts, token strips, prefix trees, fronts, comparisons."""
