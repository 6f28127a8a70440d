"""A reward in use, in a real browser: tried with components at places, replayed from its page, and in an analysis."""

import json
import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Shoot
from tests.browser.test_data import upload
from tests.browser.test_replay import SOON, train
from tests.browser.test_reward import write

PLACED = """import re


def at(pattern, text, value):
    return [{"start": one.start(), "end": one.end(), "value": value} for one in re.finditer(pattern, text)]


def one(text, wanted):
    sums, hedges = at("[0-9]+[+][0-9]+=", text, 0.5), at("maybe", text, -1)
    return {"right": float(wanted in text), "sums": sums, "hedges": hedges}


def reward(completions, answer, **columns):
    return [one(*pair) for pair in zip(completions, answer)]
"""
SAMPLES = [
    {
        "prompt": f"{n}+{n}",
        "completion": f"{n}+{n}={2 * n}; " * n + "maybe it is " * (n % 3) + f"#{2 * n}",
        "answer": f"{2 * n}",
    }
    for n in range(1, 13)
]


def fits(page: Page) -> None:
    """Nothing sticks out on a narrow screen, once charts have followed."""
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    for _ in range(50):
        if page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]:
            break
        page.wait_for_timeout(100)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})


def test_components_at_places_are_drawn_and_replayed(page: Page, shoot: Shoot) -> None:
    train(page)
    page.goto("/workshop/rewards/new/")
    write(page, PLACED)
    page.get_by_text("Pasted").click()
    page.fill("#dry-pasted", "\n".join(map(json.dumps, SAMPLES)))
    page.get_by_label("By what lengths are told").select_option("starter")
    page.get_by_role("button", name="Try", exact=True).click()
    length = page.locator("#dry-length")
    expect(length).to_contain_text("per 100 tokens", timeout=SOON)
    expect(length).to_contain_text("per 1,000 letters")
    strips = page.locator("#dry-dense .strip")
    expect(strips).to_have_count(6)
    expect(strips.first.locator(".strip-title")).to_have_text("#12 · 7, of which 1 at the end")
    expect(page.locator("#dry-dense .strip-name", has_text="hedges").first).to_be_visible()
    length.scroll_into_view_if_needed()
    shoot(page, "reward-lengths")
    page.locator("#dry-dense").scroll_into_view_if_needed()
    shoot(page, "reward-components-at-places")
    fits(page)
    page.fill("#name", "sums without hedges")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile(r"/workshop/rewards/\d+/$"))
    page.evaluate("scrollTo(0, 0)")
    page.keyboard.press("p")
    shoot(page, "reward-replay-menu")
    fits(page)
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    box = page.locator(".replays > div").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= NARROW[0]
    page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    page.locator(".replays a", has_text="replayed").first.click()
    expect(page.locator("#replay").get_by_role("heading", name="Step by step")).to_be_visible(timeout=SOON)
    expect(page.get_by_label("Reward", exact=True).locator("option:checked")).to_contain_text("sums without hedges")


def test_an_analysis_says_what_failures_become_and_is_opened_again(page: Page, shoot: Shoot) -> None:
    upload(page, "solved.jsonl", "\n".join(map(json.dumps, SAMPLES)))
    page.get_by_role("button", name="Confirm columns").click()
    page.get_by_role("link", name="Analyse", exact=True).click()
    page.locator("[name='rewards.0.on_failure']").select_option("stop")
    expect(page.get_by_text("nothing is wrong")).to_be_visible()
    shoot(page, "analyse-failures")
    fits(page)
    page.get_by_role("button", name="Analyse", exact=True).click()
    page.wait_for_url("**/runs/*/")
    expect(page.locator("#state")).to_have_attribute("data-state", "done", timeout=180_000)
    shoot(page, "analysis-again")
    page.get_by_role("link", name="Open as new analysis").click()
    expect(page.locator("[name='rewards.0.on_failure']")).to_have_value("stop")
    expect(page.get_by_text("nothing is wrong")).to_be_visible()


def test_devices_are_counted_in_the_memory_note(page: Page, shoot: Shoot) -> None:
    page.goto("/runs/new/?guided=1")
    field = page.locator("[name='devices']")
    field.evaluate("one => one.closest('details') && (one.closest('details').open = true)")
    field.fill("2")
    field.press("Tab")
    expect(page.locator(".memory")).to_contain_text("on each of 2 devices", timeout=SOON)
    page.locator(".memory").scroll_into_view_if_needed()
    shoot(page, "new-run-devices")
