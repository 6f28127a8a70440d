"""The app's name in Django."""

from django.apps import AppConfig


class RunsConfig(AppConfig):
    """labapp.runs"""

    name = "labapp.runs"
