"""Data in a real browser with real workers: recorded completions from the file to the confusion table."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Shoot

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"
SOLUTIONS = REAL / "gsm8k-model-solutions.jsonl"
BAD = '{"question": "1+1", "answer": "2"}\nnonsense\n{"question": "2+2"}\n'


def upload(page: Page, name: str, content: str) -> None:
    page.goto("/data/")
    page.set_input_files("#file", {"name": name, "mimeType": "text/plain", "buffer": content.encode()})
    page.get_by_role("button", name="Upload", exact=True).click()
    page.wait_for_url("**/columns/")


def test_it_works(page: Page, shoot: Shoot) -> None:
    upload(page, "sums.jsonl", BAD)
    expect(page.get_by_text("not JSON: Expecting value at character 1")).to_be_visible()
    shoot(page, "data-columns")
    page.get_by_role("button", name="Confirm columns").click()
    page.wait_for_url(re.compile(r"/data/\d+/1/$"))
    expect(page.get_by_role("link", name="Bad rows (2)")).to_be_visible()
    page.get_by_role("link", name="Train on this").click()
    expect(page.locator("[name='prompts.dataset'] option:checked")).to_contain_text("sums")


def test_the_first_rows_follow_the_mapping(page: Page) -> None:
    upload(page, "pairs.csv", "left,right\none,two\n")
    chooser = page.locator("#prompt")
    chooser.focus()
    chooser.select_option("right")
    expect(page.locator(".mapped dd").first).to_have_text("two")
    expect(chooser).to_be_focused()
    page.locator("#kind-completions").check()
    expect(page.get_by_text("choose where the completions stand")).to_be_visible()
    page.locator("[name='completion.0.text']").select_option("left")
    expect(page.locator("[name='completion.1.text']")).to_be_visible()
    page.fill("#answer_after", "=")
    page.keyboard.press("Enter")  # looks again, and does not confirm
    expect(page.locator("#answer_after")).to_have_value("=")
    assert page.url.endswith("/columns/")


def test_recorded_solutions_reach_the_confusion_table(page: Page, shoot: Shoot) -> None:
    if not SOLUTIONS.exists():
        pytest.skip(f"the public data set {SOLUTIONS.name} is not at {REAL}")
    page.goto("/data/")
    page.set_input_files("#file", SOLUTIONS)
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("button", name="Confirm columns").click()
    expect(page.get_by_text("1 to 25 of 5,276")).to_be_visible(timeout=30_000)
    shoot(page, "data-version")
    page.get_by_role("link", name="Analyse", exact=True).click()
    expect(page.get_by_text("nothing is wrong")).to_be_visible()
    shoot(page, "analyse")
    page.get_by_role("button", name="Analyse", exact=True).click()
    page.wait_for_url("**/runs/*/")
    expect(page.locator("#state")).to_have_attribute("data-state", "done", timeout=180_000)
    row = page.locator(".agreement tbody tr").first
    expect(row.locator("td").nth(0)).to_have_text("2001")
    expect(row.locator("td").nth(3)).to_have_text("3275")
    expect(page.locator(".node").first).to_contain_text("of 4")
    expect(page.locator("#credit .piece").first).to_be_visible()
    shoot(page, "agreement")
    row.locator("td a").nth(3).click()
    expect(page.get_by_text("1 to 50 of 3,275 completions")).to_be_visible()
    page.locator("table.rollouts button.asked").first.click()
    expect(page.locator("#credit")).to_contain_text("advantage")


def test_pairs_become_a_run_that_learns_from_them(page: Page, shoot: Shoot) -> None:
    rows = [
        {"chosen": [{"role": "user", "content": f"{n}+1="}, {"role": "assistant", "content": f"{n + 1};"}],
         "rejected": [{"role": "user", "content": f"{n}+1="}, {"role": "assistant", "content": "7;"}]}
        for n in range(30)
    ]  # fmt: skip
    upload(page, "preferred.jsonl", "\n".join(map(json.dumps, rows)))
    expect(page.locator("#kind-pairs")).to_be_checked()
    expect(page.get_by_text("chosen and rejected are the same text")).to_be_visible()  # 6+1 is 7
    shoot(page, "pairs-columns")
    page.get_by_role("button", name="Confirm columns").click()
    expect(page.get_by_text("1 to 25 of 29")).to_be_visible()
    shoot(page, "pairs-version")
    page.get_by_role("link", name="Train on this").click()
    expect(page.locator("[name='objective.name'] option:checked")).to_have_attribute("value", "preferences/dpo")
    chosen = page.locator("[name='prompts.dataset'] option:checked")
    expect(chosen).to_contain_text("preferred")
    expect(page.get_by_text("nothing is wrong")).to_be_visible()
    shoot(page, "pairs-run")
    page.locator("[name='pool.on']").uncheck()
    reason = page.locator(".newrun-side").get_by_text(
        "holds preference pairs, and this run samples its own completions"
    )
    expect(reason).to_be_visible()
    expect(chosen).to_contain_text("preferred")
    shoot(page, "pairs-refused")
    page.locator("[name='pool.on']").check()
    expect(reason).to_be_hidden()


@pytest.mark.parametrize("address", ["/data/", "/data/analyse/", "/workshop/", "/workshop/rewards/new/"])
def test_nothing_sticks_out_on_a_narrow_screen(page: Page, address: str) -> None:
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
