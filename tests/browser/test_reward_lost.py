"""The connection is lost while a reward is written or tried: nothing hangs, and all goes on when it is back."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Shoot
from tests.browser.test_reward_tree import NEW, SAMPLES, expect_tree, part, picked

SLOW = "import time\n\ndef reward(completions, **columns):\n    time.sleep(1)\n    return [1.0] * len(completions)\n"


def test_parts_can_be_changed_again(page: Page) -> None:
    page.goto(NEW)
    page.get_by_role("button", name="Add the first part").press("Enter")
    picked(page, "numeric answer")
    page.context.set_offline(True)
    part(page, "").press("Delete")
    expect(page.locator(".toast")).to_contain_text("could not be reached")
    expect_tree(page, "Numeric answer", at="")
    page.context.set_offline(False)
    page.keyboard.press("Delete")
    expect(page.locator(".part")).to_have_count(0)
    page.keyboard.press("Escape")


def test_what_a_worker_makes_meanwhile_is_shown(page: Page, shoot: Shoot) -> None:
    page.goto("/workshop/rewards/new/")
    page.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(SLOW)
    page.locator("#try").get_by_text("Pasted").click()
    page.fill("#dry-pasted", SAMPLES)
    page.get_by_role("button", name="Try", exact=True).click()
    expect(page.locator("#dryrun .progress")).to_be_visible()
    page.context.set_offline(True)
    expect(page.locator(".toast")).to_contain_text("asked for until it is", timeout=20_000)
    shoot(page, "reward-lost")
    page.context.set_offline(False)
    expect(page.locator("#dryrun .facts")).to_be_visible(timeout=60_000)
