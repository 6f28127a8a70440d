"""The app's name in Django."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """labapp.api"""

    name = "labapp.api"
