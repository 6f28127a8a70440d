"""A reward is written, tried, saved and chosen for a run, in a real browser with a real sandbox behind it."""

import json
import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Shoot

SAMPLES = '{"prompt": "1+1", "completion": "it is 2", "answer": "2"}\n{"completion": "no idea", "answer": "4"}'

PAYS_FOR_LENGTH = """def reward(completions, answer, **columns):
    right = [float(wanted in text) for text, wanted in zip(completions, answer)]
    return {"right": right, "long": [len(text) / 50 for text in completions]}
"""
PAYS_FOR_WORDS = """def reward(completions, **columns):
    at = [text.find("good") for text in completions]
    return [[{"start": n, "end": n + 4, "value": 1.0}] if n >= 0 else 0.0 for n in at]
"""


def write(page: Page, source: str) -> None:
    """Replace the text of the editor, as a person pastes it."""
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)


def test_it_works(page: Page, shoot: Shoot) -> None:
    page.goto("/workshop/rewards/new/")
    expect(page.locator("#marks")).to_have_text("The text can be used.")
    page.get_by_text("Pasted").click()
    page.fill("#dry-pasted", SAMPLES)
    page.get_by_role("button", name="Try", exact=True).click()
    cells = page.locator("#dry-extremes tbody tr td:nth-child(2)")
    expect(cells).to_have_text(["1", "0"], timeout=60_000)  # the worker may still be starting
    expect(page.locator(".histograms .plot-container")).to_have_count(1)
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
    page.fill("#dry-pasted", 'one\n{"completion": ""}')
    page.get_by_role("button", name="Try", exact=True).click()
    expect(page.locator("#dry-failed .error")).to_contain_text("line 2: ZeroDivisionError", timeout=60_000)
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


def test_a_dry_run_shows_what_a_reward_pays_for_and_how_it_can_be_hacked(page: Page, shoot: Shoot) -> None:
    rows = [
        {"prompt": f"{n}+{n}=", "completion": f"{'I think. ' * (n % 7)}It is {2 * n + n % 2}.", "answer": f"{2 * n}",
         "label": 1 - n % 2}
        for n in range(60)
    ]  # fmt: skip
    page.goto("/workshop/rewards/new/")
    write(page, PAYS_FOR_LENGTH)
    page.get_by_text("Pasted").click()
    page.fill("#dry-pasted", "\n".join(map(json.dumps, rows)))
    page.get_by_role("button", name="Try", exact=True).click()
    found = page.locator(".findings li")
    expect(found.first).to_contain_text("beat honest completions", timeout=60_000)
    expect(page.locator(".findings")).to_contain_text("Longer completions earn more")
    expect(page.locator(".histograms .plot-container")).to_have_count(3)
    expect(page.locator("[data-length] .plot-container")).to_have_count(1)
    expect(page.locator("#dry-parts")).to_contain_text("their shares add up to 100 %")
    evidence = page.locator(".probe.beats").first
    expect(evidence.locator("pre")).to_be_hidden()
    evidence.locator("summary").click()
    expect(evidence.locator("pre")).to_be_visible()
    shoot(page, "reward-dry-run")
    page.get_by_role("button", name="Try", exact=True).click()  # again, on the warm process
    expect(page.locator("#dryrun dd[title^='the process was warm']")).to_be_visible(timeout=60_000)
    with page.expect_download() as download:
        page.get_by_text("data as JSON").click()
    assert len(json.loads(download.value.path().read_text())["values"]) == 60


def test_a_dense_reward_is_drawn_on_the_text(page: Page, shoot: Shoot) -> None:
    page.goto("/workshop/rewards/new/")
    write(page, PAYS_FOR_WORDS)
    page.get_by_text("Pasted").click()
    page.fill("#dry-pasted", "one good word\nand nothing")
    page.get_by_role("button", name="Try", exact=True).click()
    expect(page.locator("#dry-dense .piece")).to_have_text(["one ", "good", " word"], timeout=60_000)
    page.locator("#dry-dense .piece").nth(1).hover()
    expect(page.locator("#dry-dense .strip-told")).to_contain_text("part 2 of 3 “good” · reward 1")
    shoot(page, "reward-dense")
