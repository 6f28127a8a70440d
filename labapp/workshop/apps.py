"""The app's name in Django."""

from django.apps import AppConfig


class WorkshopConfig(AppConfig):
    """labapp.workshop"""

    name = "labapp.workshop"
