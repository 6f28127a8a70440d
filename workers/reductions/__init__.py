"""Reductions: each file weighs every token's loss in the sum with one function `weigh`."""
