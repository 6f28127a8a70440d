"""The accounts room as a Django app."""

import importlib

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, teams and what they may do."""

    name = "labapp.accounts"
    verbose_name = "People and teams"

    def ready(self) -> None:
        """Listen for sign-ins."""
        importlib.import_module("labapp.accounts.signals")
