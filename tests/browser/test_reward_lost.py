"""The connection is lost while a reward is written or tried: nothing hangs, and all goes on when it is back."""

import re

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


def test_what_cannot_be_sent_stays(page: Page) -> None:
    """Neither a lost connection nor a session that has ended takes away what somebody wrote."""
    page.goto("/workshop/rewards/new/")
    page.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(SLOW)
    page.fill("#name", "slow and steady")
    save = page.get_by_role("button", name="Save", exact=True)
    page.context.set_offline(True)
    save.click()
    expect(page.locator(".toast", has_text="What you wrote stays")).to_be_visible()
    page.context.set_offline(False)

    session = next(one.get("value", "") for one in page.context.cookies() if one.get("name") == "merit_session")
    page.context.clear_cookies(name="merit_session")
    for button in (save, page.get_by_role("button", name="Try", exact=True)):
        button.click()
        expect(page.locator(".toast", has_text="You are signed out")).to_be_visible()
        page.locator(".toast button").last.click()
    expect(page.locator(".cm-content")).to_contain_text("time.sleep")
    expect(page.locator("#dryrun")).not_to_contain_text("Password")
    page.context.add_cookies([{"name": "merit_session", "value": session, "url": page.url.split("/workshop")[0]}])
    save.click()
    page.wait_for_url(re.compile(r"/rewards/\d+/$"))
    expect(page.locator("h1")).to_have_text("slow and steady")


def test_what_was_deleted_meanwhile_is_not_lost(page: Page) -> None:
    """By somebody else, or in another tab."""
    page.goto("/workshop/rewards/new/")
    page.fill("#name", "soon gone")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile(r"/rewards/\d+/$"))
    other = page.context.new_page()
    other.goto(page.url)
    other.on("dialog", lambda dialog: dialog.accept())
    other.get_by_role("button", name="Delete").first.click()
    other.wait_for_url(re.compile(r"/workshop/$"))
    other.close()
    page.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(SLOW)
    page.get_by_role("button", name="Save version 2").click()
    expect(page.locator(".toast", has_text="It was deleted in the meantime. What you wrote stays")).to_be_visible()
    expect(page.locator(".cm-content")).to_contain_text("time.sleep")
