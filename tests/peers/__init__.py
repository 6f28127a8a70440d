"""Numbers of other libraries' own code, recorded, and Merit's methods held against them."""
