"""The accounts room as a Django app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, teams and what they may do."""

    name = "labapp.accounts"
    verbose_name = "People and teams"
