"""Selection: each file chooses what is learned from, and what else is to be sampled, with one function `select`."""
