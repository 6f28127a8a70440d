"""The hall: standard library only, so that the web and the workers may both come in."""
