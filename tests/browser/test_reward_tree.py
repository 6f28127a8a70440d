"""A reward is put together from parts by keys and mouse, valued on samples, saved, compared, and trained with."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Shoot

SAMPLES = '{"prompt": "1+1", "completion": "it is 2", "answer": "2"}\n{"completion": "no idea", "answer": "4"}'
NEW = "/workshop/rewards/new/parts/"


def picked(page: Page, words: str) -> None:
    """Take from the open list what these words find first."""
    expect(page.locator("#picker")).to_be_visible()
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    expect(page.locator("#picker")).to_be_hidden()


def part(page: Page, path: str) -> Locator:
    """The part at a path of the tree."""
    return page.locator(f'.part[data-path="{path}"]')


def expect_tree(page: Page, *names: str, at: str) -> None:
    """The parts by name, from the root on, and which of them has the focus."""
    expect(page.locator(".part > .part-line .part-name > b")).to_have_text(names)
    expect(part(page, at)).to_be_focused()


def test_it_works(page: Page, shoot: Shoot) -> None:
    """By keys alone: a gate over a number and a sum; by hand the first sample earns 1 + 0 behind an open gate."""
    page.goto(NEW)
    wrap = page.get_by_role("button", name="Wrap", exact=True)
    expect(wrap).to_be_disabled()
    page.get_by_role("button", name="Add the first part").press("Enter")
    picked(page, "numeric answer")
    expect_tree(page, "Numeric answer", at="")
    expect(wrap).to_be_enabled()
    page.keyboard.press("w")
    picked(page, "gate")
    expect_tree(page, "Gate", "Numeric answer", at="")
    expect(part(page, "").locator("> [data-error]")).to_have_text("needs 2 parts, not 1")
    expect(page.locator(".part[data-troubled]")).to_have_count(1)
    page.keyboard.press("a")
    picked(page, "numeric answer")
    expect_tree(page, "Gate", "Numeric answer", "Numeric answer", at="of.1")
    expect(page.locator(".part[data-troubled]")).to_have_count(0)
    page.keyboard.press("w")
    picked(page, "sum")
    page.keyboard.press("Insert")
    picked(page, "format")
    expect_tree(page, "Gate", "Numeric answer", "Sum", "Numeric answer", "Format", at="of.1.of.1")
    page.keyboard.press("Alt+ArrowUp")
    expect_tree(page, "Gate", "Numeric answer", "Sum", "Format", "Numeric answer", at="of.1.of.0")
    page.keyboard.press("Delete")
    expect_tree(page, "Gate", "Numeric answer", "Sum", "Numeric answer", at="of.1.of.0")
    page.keyboard.press("z")
    expect(page.locator(".part")).to_have_count(5)

    page.get_by_text("Pasted").first.click()
    page.fill("#sample-pasted", SAMPLES)
    page.get_by_role("button", name="Show values").click()
    values = page.locator(".part-value")
    expect(values).to_have_text(["1", "1", "1", "0", "1"], timeout=60_000)  # the worker may still be starting
    shoot(page, "reward-tree")
    page.get_by_role("button", name="Next sample").click()
    expect(values).to_have_text(["0", "0", "0", "0", "0"])

    part(page, "").focus()
    page.keyboard.press("F2")
    threshold = page.locator('[name="tree.params.threshold"]')
    expect(threshold).to_be_focused()
    threshold.fill("much")
    expect(part(page, "").locator("> [data-error]")).to_contain_text("threshold is a number")
    threshold.fill("0")
    expect(page.locator(".part[data-troubled]")).to_have_count(0)
    expect(page.locator("#tree-panel math")).to_contain_text("≥0")
    expect(part(page, "").locator("> .part-line")).to_contain_text("threshold 0")
    shoot(page, "reward-tree-open")
    page.keyboard.press("Enter")
    expect(part(page, "")).to_be_focused()
    expect(values).to_have_text(["0", "0", "0", "0", "0"], timeout=20_000)


def test_by_mouse(page: Page) -> None:
    page.goto(NEW)
    page.get_by_role("button", name="Add the first part").click()
    page.locator("[data-pick='rewards/format']").click()
    page.get_by_role("button", name="Add part").click()
    page.locator("[data-pick='rewards/brevity']").click()
    expect_tree(page, "Sum", "Format", "Brevity", at="of.1")  # two parts are joined by a sum
    part(page, "of.1").locator(".part-line").drag_to(
        part(page, "of.0").locator(".part-line"), target_position={"x": 60, "y": 2}
    )
    expect_tree(page, "Sum", "Brevity", "Format", at="of.0")
    page.get_by_role("button", name="Wrap", exact=True).click()
    page.locator("[data-pick='combining/gate']").click()
    expect_tree(page, "Sum", "Gate", "Brevity", "Format", at="of.0")
    part(page, "of.1").locator(".part-line").drag_to(part(page, "of.0").locator("> .part-line"))
    expect_tree(page, "Sum", "Gate", "Brevity", "Format", at="of.0.of.1")
    part(page, "of.0.of.0").locator("[data-edit]").click()
    expect(page.locator('[name="tree.of.0.of.0.params.full_until"]')).to_be_focused()
    part(page, "of.0").locator("> .part-line").click()
    page.get_by_role("button", name="Unwrap").click()
    expect_tree(page, "Sum", "Brevity", "Format", at="of.0")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect_tree(page, "Sum", "Gate", "Brevity", "Format", at="of.0")


def test_what_is_saved_is_compared_and_trained_with(page: Page, shoot: Shoot) -> None:
    page.goto(NEW)
    page.get_by_role("button", name="Add the first part").click()
    picked(page, "numeric answer")
    expect_tree(page, "Numeric answer", at="")
    page.fill("#name", "right and short")
    page.keyboard.press("Enter")  # saves nothing by accident
    assert page.url.endswith(NEW)
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/workshop/rewards/\d+/$"))
    part(page, "").focus()
    page.keyboard.press("a")
    picked(page, "brevity")
    expect_tree(page, "Sum", "Numeric answer", "Brevity", at="of.1")
    page.get_by_role("button", name="Save version 2").click()
    expect(page.locator(".head-title summary")).to_have_text("version 2")
    page.get_by_role("link", name="Compare", exact=True).last.click()
    page.get_by_text("Pasted").click()
    page.fill("#sample-pasted", SAMPLES)
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.locator("#compared tbody tr")).to_have_count(2, timeout=60_000)
    expect(page.locator("#compared")).to_contain_text("2 of 2")
    shoot(page, "reward-compare")
    page.get_by_role("link", name="What differs in the text").click()
    expect(page.locator(".diff .new code").filter(has_text="name: brevity")).to_have_count(1)
    page.get_by_role("link", name="Open the newest").click()
    page.get_by_role("link", name="Use in a new run").click()
    expect(page.get_by_text("nothing is wrong")).to_be_visible()
    tree = page.locator('[data-field$=".tree"]')
    expect(tree.locator("math")).to_contain_text("brevity")
    page.locator('[name="rewards.0.on_failure"]').select_option("zero")
    for name, value in {"budget.steps": "2", "budget.eval_every": "0", "batch_prompts": "2", "siblings": "2"}.items():
        page.fill(f'[name="{name}"]', value)
    expect(page.locator("#document-json")).to_contain_text('"on_failure": "zero"')
    shoot(page, "new-run-tree")
    page.locator("#launch").click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/"))
    expect(page.locator(".head .state")).to_have_text("done", timeout=120_000)
    page.goto(f"{page.url.split('?')[0]}?tab=config")
    expect(page.locator(".recipe-lines").get_by_role("heading", name="Reward · right and short")).to_be_visible()
    expect(page.locator("#spec-yaml")).to_contain_text("name: brevity")
    shoot(page, "run-config-tree")
