"""Shaping: each file changes rewards before anybody compares them, with one function `shape`."""
