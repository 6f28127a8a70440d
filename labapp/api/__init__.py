"""REST under /api/v1/: the same rights and the same state changes as the pages, with one shape for errors."""
