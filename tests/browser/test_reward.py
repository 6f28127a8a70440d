"""A reward is written, tried, saved and chosen for a run, in a real browser with a real sandbox behind it."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Shoot

SAMPLES = '{"prompt": "1+1", "completion": "it is 2", "answer": "2"}\n{"completion": "no idea", "answer": "4"}'


def write(page: Page, source: str) -> None:
    """Replace the text of the editor, as a person pastes it."""
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)


def test_it_works(page: Page, shoot: Shoot) -> None:
    page.goto("/workshop/rewards/new/")
    expect(page.locator("#marks")).to_have_text("The text can be used.")
    page.get_by_text("Pasted").click()
    page.fill("#pasted", SAMPLES)
    page.get_by_role("button", name="Try", exact=True).click()
    cells = page.locator(".trial tbody tr td:nth-child(6)")
    expect(cells).to_have_text(["1", "0"], timeout=60_000)  # the worker may still be starting
    shoot(page, "reward-tried")
    page.fill("#name", "last number is right")
    page.fill("#message", "a start")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile(r"/workshop/rewards/\d+/$"))
    expect(page.locator(".head-title summary")).to_have_text("version 1")

    page.locator(".cm-content").click()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text("# the end\n")
    expect(page.locator("#changed")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".head-title summary")).to_have_text("version 2")
    page.get_by_role("link", name="History").click()
    expect(page.locator(".diff .new code")).to_have_text("# the end")
    shoot(page, "reward-history")
    page.get_by_role("link", name="Open the newest").click()
    page.get_by_role("link", name="Use in a new run").click()
    expect(page.locator("[name$='.name'] option:checked").filter(has_text="last number is right")).to_have_count(1)
    expect(page.get_by_text("nothing is wrong")).to_be_visible()


def test_what_is_wrong_is_marked_while_one_types_and_where_it_fails_when_tried(page: Page, shoot: Shoot) -> None:
    page.goto("/workshop/rewards/new/")
    write(page, "def reward(completions:\n    return 1\n")
    expect(page.locator("#marks")).to_contain_text("Line 1")
    expect(page.locator(".cm-lint-marker-error")).to_have_count(1)
    write(page, "def reward(completions, **columns):\n    return [1 / len(text) for text in completions]\n")
    expect(page.locator("#marks")).to_have_text("The text can be used.")
    expect(page.locator(".cm-lint-marker-error")).to_have_count(0)
    page.get_by_text("Pasted").click()
    page.fill("#pasted", 'one\n{"completion": ""}')
    page.get_by_role("button", name="Try", exact=True).click()
    expect(page.locator(".faulty .error")).to_contain_text("line 2: ZeroDivisionError", timeout=60_000)
    expect(page.locator(".cm-lint-marker-error")).to_have_count(1)
    shoot(page, "reward-faulty")


def test_words_are_completed_and_texts_are_there_to_start_from(page: Page, shoot: Shoot) -> None:
    page.goto("/workshop/rewards/new/")
    page.get_by_text("Start from…").click()
    shoot(page, "reward-starts")
    page.get_by_role("button", name="Queries and labels").click()
    expect(page.locator(".cm-content")).to_contain_text("def reward_func(queries, prompts, labels):")
    expect(page.locator("#marks")).to_have_text("The text can be used.")
    write(page, "def reward(completions, ")
    page.keyboard.type("trainer")
    expect(page.locator(".cm-tooltip-autocomplete")).to_contain_text("trainer_state")
    shoot(page, "reward-completion")
    page.keyboard.press("Escape")
    write(page, "import ")
    page.keyboard.type("rap")
    expect(page.locator(".cm-tooltip-autocomplete")).to_contain_text("rapidfuzz")
    page.get_by_role("option", name="rapidfuzz").click()
    expect(page.locator(".cm-content")).to_have_text("import rapidfuzz")
