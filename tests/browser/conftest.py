"""A real browser for the tests of the pages, signed in by the link that the lab printed; pictures of what it saw."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from tests import lab_process

CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
SHOTS = Path(os.environ.get("MERIT_SHOTS", lab_process.ROOT / "build" / "shots"))
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
WIDE, NARROW = (1440, 900), (390, 844)


class Shoot(Protocol):
    """Save a picture of the page as it is, wide and narrow, light and dark."""

    def __call__(self, page: Page, name: str) -> None:
        """`name` becomes the first part of the four file names."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium from the system; the test is skipped with the reason where there is none."""
    program = next((path for path in CHROMIUM if Path(path).exists()), None)
    if program is None:
        pytest.skip("no Chromium: apt-get install chromium")
    # Playwright's loop makes Django believe that the database is used from async code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(scope="session")
def signed_in_state(browser: Browser, live_lab: lab_process.Lab) -> StorageState:
    """Cookies of the local owner, got by the sign-in link."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(live_lab.new_link())
    assert page.url == f"{live_lab.url}/"
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def context(browser: Browser, signed_in_state: StorageState, live_lab: lab_process.Lab) -> Iterator[BrowserContext]:
    """A fresh browser window in which the owner is signed in."""
    made = browser.new_context(
        viewport={"width": WIDE[0], "height": WIDE[1]},
        storage_state=signed_in_state,
        base_url=live_lab.url,
        reduced_motion="reduce",
    )
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page of that window; an error of a script or a broken content policy fails the test at its end."""
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.on("console", lambda line: troubles.append(line.text) if "Content Security Policy" in line.text else None)
    yield opened
    assert not troubles, f"scripts failed: {troubles}"


@pytest.fixture(scope="session")
def shoot() -> Shoot:
    """Pictures go to MERIT_SHOTS, by default build/shots."""
    SHOTS.mkdir(parents=True, exist_ok=True)

    def save(page: Page, name: str) -> None:
        for width, height, size in ((*WIDE, "wide"), (*NARROW, "narrow")):
            for scheme in SCHEMES:
                page.set_viewport_size({"width": width, "height": height})
                page.emulate_media(color_scheme=scheme)
                page.screenshot(path=SHOTS / f"{name}-{size}-{scheme}.png")
        page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        page.emulate_media(color_scheme="light")

    return save
