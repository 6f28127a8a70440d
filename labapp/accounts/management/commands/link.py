"""`make link`: a new one-time sign-in link for the local owner of the running lab."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import OperationalError

from labapp.accounts.local import sign_in_link


class Command(BaseCommand):
    """Print the link; says so when no lab runs."""

    help = "Print a new one-time sign-in link for the local owner."

    def handle(self, *args: Any, **options: Any) -> None:
        """The lab's address comes from ADDRESS, else from the lock file that `labapp.start` writes."""
        try:
            address = os.environ.get("ADDRESS") or (settings.MERIT_HOME / "lock").read_text().strip()
            link = sign_in_link(address)
        except (FileNotFoundError, OperationalError):
            self.stderr.write(f"No lab runs from {settings.MERIT_HOME}: start it with make run.")
            raise SystemExit(1) from None
        self.stdout.write(link)
