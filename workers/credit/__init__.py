"""Credit: each file turns rewards into an advantage for every token with one function `credit`."""
