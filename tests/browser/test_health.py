"""The health report of a real run: what it says leads to the completions that show it."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Shoot
from tests.browser.test_run_page import LATER, launch, state


def test_it_works(page: Page, shoot: Shoot) -> None:
    run = launch(page, "health", 3)
    expect(state(page)).to_have_text("done", timeout=LATER)
    page.goto(f"{run}?tab=health")
    expect(page.locator(".audit", has_text="Repeated completions")).to_contain_text("repeat another of their group")
    expect(page.locator(".audit", has_text="Entropy collapses")).to_have_attribute("data-audit", "unknown")
    shoot(page, "run-health")
    page.locator(".audits .audit", has_text="correct is saturated").locator("summary").click()
    place = page.locator(".audit .shown a:visible").first
    step, index = re.findall(r"step (\d+) #(\d+)", place.inner_text())[0]
    place.click()
    expect(page.locator("#step-now")).to_have_text(step)
    expect(page.locator(".strip-title").first).to_contain_text(f"#{index} ")
