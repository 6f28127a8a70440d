"""Objectives: each file turns advantages into a loss for every token with one function `objective`."""
