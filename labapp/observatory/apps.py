"""The app's name in Django."""

from django.apps import AppConfig


class ObservatoryConfig(AppConfig):
    """labapp.observatory"""

    name = "labapp.observatory"
