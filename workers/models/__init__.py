"""Models: the starter models that ship with the project, and the script that makes them from nothing."""
