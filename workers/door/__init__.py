"""The one place where the engine and the web side meet: tasks, rows and files of runs, and the heart beat."""
