"""Models: the starter model that ships with the project, and the script that makes it from nothing."""
