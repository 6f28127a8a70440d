"""The frame of every page in a real browser: signing in, keys, theme, narrow screens."""

import pytest
from playwright.sync_api import Page, expect

from tests import lab_process
from tests.browser.conftest import NARROW, Shoot


def test_it_works(page: Page, shoot: Shoot) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    expect(page.get_by_role("link", name="Start the guided run").first).to_be_visible()
    shoot(page, "home")


def test_home_says_when_the_workers_are_there(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_text("1 worker, 0 busy")).to_have_count(2, timeout=90_000)


def test_a_link_signs_in_once(page: Page, live_lab: lab_process.Lab) -> None:
    link = live_lab.new_link()
    page.context.clear_cookies()
    page.goto(link)
    assert page.url == f"{live_lab.url}/"
    page.context.clear_cookies()
    answer = page.goto(link)
    assert answer is not None
    assert answer.status == 410
    expect(page.get_by_text("was used or has expired")).to_be_visible()


def test_keys_lead_to_the_search_and_list_themselves(page: Page) -> None:
    page.goto("/")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Send the form")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_ctrl_enter_sends_the_form(page: Page) -> None:
    page.goto("/accounts/profile/")
    page.get_by_label("Name").fill("Ada")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#toasts")).to_contain_text("Saved.")
    expect(page.get_by_label("Name")).to_have_value("Ada")


def test_the_theme_is_chosen_by_hand_and_stays(page: Page) -> None:
    page.goto("/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Light or dark").click()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    page.goto("/accounts/profile/")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


@pytest.mark.parametrize("path", ["/", "/accounts/team/", "/accounts/tokens/", "/accounts/profile/", "/search/?q=grpo"])
def test_no_page_is_wider_than_a_phone(page: Page, path: str) -> None:
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


def test_a_new_token_is_shown_once(page: Page, shoot: Shoot) -> None:
    page.goto("/accounts/tokens/")
    page.get_by_label("Name").fill("notebook")
    page.get_by_role("button", name="Make a token").click()
    shown = page.locator("#fresh-token").inner_text()
    assert shown.startswith("merit_")
    shoot(page, "tokens")
    page.reload()
    expect(page.locator("#fresh-token")).to_have_count(0)
    expect(page.get_by_role("cell", name="notebook")).to_be_visible()
