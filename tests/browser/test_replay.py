"""The tab Replay in a real browser: a run's completions under other rewards, and under its own."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Shoot

SOON = 60_000  # milliseconds; the quick worker may still be starting


def train(page: Page) -> str:
    """The guided run, for three steps; its address."""
    page.goto("/runs/new/?guided=1")
    page.fill("[name='name']", "replayed")
    page.fill("[name='budget.steps']", "3")
    page.get_by_role("button", name=re.compile("^Launch")).click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    expect(page.locator("#state")).to_have_text("done", timeout=180_000)
    return page.url


def test_it_works(page: Page, shoot: Shoot) -> None:
    """Another method says something else, completion by completion; a reward in its own place changes nothing."""
    run, answer = train(page), page.locator("#replay")
    page.goto(run)
    page.get_by_role("link", name="Replay", exact=True).click()
    expect(page.get_by_label("Completions of")).to_have_value("newest")
    page.get_by_label("Reward", exact=True).select_option("method:brevity")
    page.get_by_role("button", name="Replay").click()
    expect(answer.get_by_role("heading", name="Step by step")).to_be_visible(timeout=SOON)
    assert "with=method%3Abrevity" in page.url
    expect(answer).to_contain_text("384 completions in 48 groups of 3 steps")
    _, steps, moved = answer.locator("section").all()
    assert steps.locator("tbody td:first-child").all_inner_texts() == ["1", "2", "3"]
    expect(moved.locator("tbody tr")).to_have_count(12)
    shoot(page, "run-replay")
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})

    link = moved.locator("tbody a").first
    step, index = re.findall(r"\d+", link.inner_text())
    link.click()
    expect(page.locator(".strip-title").first).to_contain_text(f"#{index}", timeout=SOON)
    expect(page.locator("#step-now")).to_have_text(step)

    page.goto(f"{run}?tab=replay&with=own:correct&instead=correct&span=spread")
    expect(answer).to_contain_text("No advantage changes", timeout=SOON)
    expect(answer).to_contain_text("τ-b 1.00")
    expect(page.get_by_label("In place of", exact=True)).to_have_value("correct")
