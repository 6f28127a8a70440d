"""Weighting: each file sets the weights of several rewards anew at each step, with one function `weigh`."""
