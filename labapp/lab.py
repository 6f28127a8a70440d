"""One running lab: its servers, tables and processes, brought up in order and kept up."""

import contextlib
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from labapp import embedded
from labapp.places import Trouble, database_url, redis_url
from labapp.preflight import HOST, PORT, see_given
from labapp.processes import children
from labapp.supervise import Supervisor

BORN_WITHIN = 60.0  # seconds for the first page


def say(line: str) -> None:
    """One line to the terminal, at once."""
    print(line, flush=True)


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    print(f"  {name:<44}", end="", flush=True)
    begun = time.monotonic()
    try:
        yield
    except BaseException:
        say("failed")
        raise
    say(f"{time.monotonic() - begun:5.1f} s")


class Lab:
    """The servers and processes of one running lab."""

    def __init__(self, home: Path) -> None:
        """Nothing is started yet."""
        self.home = home
        self.own_postgres = "DATABASE_URL" not in os.environ
        self.own_redis = "REDIS_URL" not in os.environ
        self.supervisor = Supervisor(home / "processes.json", say)

    def servers(self) -> None:
        """Start PostgreSQL and Redis, or see that the given ones answer."""
        if self.own_postgres:
            with step("PostgreSQL"):
                embedded.start_postgres(self.home)
            os.environ["DATABASE_URL"] = database_url(self.home)
        if self.own_redis:
            with step("Redis"):
                embedded.start_redis(self.home)
            os.environ["REDIS_URL"] = redis_url(self.home)
        if not (self.own_postgres and self.own_redis):
            with step("PostgreSQL and Redis, as given"):
                see_given()

    def database(self) -> str:
        """Bring the tables up to date; return the sign-in link of the local owner."""
        import django
        from django.core.management import call_command

        with step("Tables"):
            django.setup()
            call_command("migrate", verbosity=0, interactive=False)
        from labapp.accounts.local import sign_in_link

        return sign_in_link(f"http://{HOST}:{PORT}")

    def processes(self) -> None:
        """Start the web and wait for its first page; then the workers, whose import of torch would slow it down."""
        web, *others = children(self.home)
        with step("Web"):
            self.supervisor.add(web)
            self._wait_for_web()
        with step("Workers and beat"):
            for child in others:
                self.supervisor.add(child)

    def _wait_for_web(self) -> None:
        deadline = time.monotonic() + BORN_WITHIN
        while not answers(f"http://{HOST}:{PORT}/readyz"):
            web = self.supervisor.children[0]
            if not web.alive():
                raise Trouble(f"the web process ended: {web.last_words()} (log: {web.log})")
            if time.monotonic() > deadline:
                raise Trouble(f"no page within {BORN_WITHIN:.0f} s (log: {web.log})")
            time.sleep(0.1)

    def tend(self) -> None:
        """Keep everything running until a signal comes."""
        looked = time.monotonic()
        while True:
            self.supervisor.tend()
            time.sleep(0.25)
            if time.monotonic() - looked > 5:
                looked = time.monotonic()
                self._revive()

    def _revive(self) -> None:
        """Start an own server again that died; the others find it at the same place."""
        with contextlib.suppress(Trouble):
            if self.own_postgres and not embedded.postgres_answers(self.home) and embedded.start_postgres(self.home):
                say("PostgreSQL had ended and was started again")
            if self.own_redis and not embedded.redis_answers(self.home) and embedded.start_redis(self.home):
                say("Redis had ended and was started again")

    def stop(self) -> None:
        """End every process and server that this lab started."""
        self.supervisor.stop()
        if self.own_redis:
            embedded.stop_redis(self.home)
        if self.own_postgres:
            embedded.stop_postgres(self.home)


def answers(address: str) -> bool:
    """Whether a page answers with 200."""
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return bool(json.load(response)) and response.status == 200
    except (OSError, urllib.error.URLError, ValueError):
        return False
