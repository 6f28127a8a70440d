"""The microscope in a real browser: a stored step under the parts of the form, unsaved, beside other recipes."""

import re
import time

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Shoot

NEW = "/workshop/algorithms/new/?from=ready:dr_grpo"


def train(page: Page) -> str:
    """The guided run, for two steps; its address."""
    page.goto("/runs/new/")
    page.fill("[name='name']", "looked at")
    page.fill("[name='budget.steps']", "2")
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    expect(page.locator("#state")).to_have_text("done", timeout=120_000)  # two steps of real training
    return page.url


def look(page: Page, **choices: str) -> float:
    """Choose, press the button and wait for what is seen; the seconds that this took."""
    for name, value in choices.items():
        page.locator(f"#look-{name}").select_option(value)
    page.locator("#sight [data-look]").evaluate_all("all => all.forEach((one) => one.remove())")
    begun = time.monotonic()
    page.get_by_role("button", name="Look", exact=True).click()
    expect(page.locator("#sight [data-look] .note").first).to_be_visible(timeout=60_000)
    return time.monotonic() - begun


def names(panel: Locator) -> list[str]:
    """The words beside the lines of the first completion."""
    return panel.locator(".strip").first.locator(".strip-name").all_text_contents()


def tints(panel: Locator) -> list[str]:
    """The colours of the first tokens of its lines."""
    first = panel.locator(".strip").first.locator(".strip-row .piece:first-child")
    return list(first.evaluate_all("all => all.map((one) => one.style.background)"))


def test_it_works(page: Page, shoot: Shoot) -> None:
    panel = page.locator(".microscope")
    address = train(page)
    page.goto(NEW)
    expect(panel.locator("#look-step option").first).to_have_text("step 2, newest")
    look(page)  # the worker may still be starting
    assert min(look(page, step="1"), look(page)) < 2
    expect(panel).to_contain_text("32 of 128 completions")
    link = panel.get_by_role("link", name="step 1 of looked at")
    expect(link).to_have_attribute("href", f"/{address.split('/', 3)[3]}?tab=rollouts&step=1")
    assert names(panel) == ["this recipe", "the run's own", "difference"]
    expect(panel.locator(".strip")).to_have_count(32)
    expect(panel.locator(".sums tbody tr")).to_have_count(2)
    panel.scroll_into_view_if_needed()
    shoot(page, "microscope")

    look(page, beside="ready:dr_grpo")
    mine, theirs, difference = tints(panel)
    assert mine == theirs != difference, "nothing was changed: the difference has the colour of nothing"
    page.fill("[name='reduction.params.length']", "16")
    look(page)
    mine, theirs, difference = tints(panel)
    assert len({mine, theirs, difference}) == 3, "the form's parts count as they stand, unsaved"
    look(page, scale="even")
    mine, theirs, difference = tints(panel)
    assert mine == theirs != difference, "the same push, only shorter"
    panel.get_by_role("button", name="step").click()
    assert panel.locator(".strip").first.locator(".strip-row").first.locator(".piece").count() < 8
    panel.locator(".strip-rows").first.focus()
    page.keyboard.press("ArrowRight")
    expect(panel.locator(".strip-told")).to_contain_text("this recipe")


def test_what_cannot_be_seen_is_said_and_a_link_shows_the_same(page: Page, shoot: Shoot) -> None:
    page.goto(NEW)
    if not page.locator("#microscope").count():
        train(page)
        page.goto(NEW)
    panel = page.locator(".microscope")
    look(page, beside="ready:ppo")
    expect(panel.locator(".notice.warn")).to_contain_text("stored without them")
    assert names(panel) == ["this recipe"]
    shoot(page, "microscope-one-refused")
    page.reload()
    expect(panel.locator(".notice.warn")).to_contain_text("stored without them", timeout=30_000)
    expect(page.locator("#look-beside")).to_have_value("ready:ppo")

    page.locator("[name='credit.name']").select_option("gae")
    expect(page.locator("[data-trouble='credit.name']")).to_contain_text("needs a critic")
    page.get_by_role("button", name="Look", exact=True).click()
    expect(panel.get_by_role("alert")).to_contain_text("The checks name something to mend first")
