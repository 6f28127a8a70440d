"""The run page in a real browser over a real run: live, cut off and back, and looked at from all sides."""

import re
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from playwright.sync_api import BrowserContext, Dialog, Locator, Page, expect

from tests import lab_process
from tests.browser.conftest import NARROW, Shoot

SOON, LATER = 30_000, 180_000  # milliseconds
STEPS = 16
POINTS = (
    "document.querySelector('[data-chart=rewards] .plot')?.data?.find((one) => one.name === 'correct')?.x.length ?? 0"
)
STEPS_SHOWN = "document.querySelector('[data-chart=rewards] .plot').data.find((one) => one.name === 'correct').x"


def until(page: Page, what: Callable[[], Any], seconds: float = 60) -> Any:
    """What `what()` gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, (
            f"not within {seconds} s; the page's head: {page.locator('.facts').first.inner_text()}"
        )
        page.wait_for_timeout(100)
    return found


def launch(page: Page, name: str, steps: int) -> str:
    """Launch the guided run with fewer steps, as a person does; its address."""
    page.goto("/runs/new/?guided=1")
    for field, value in (
        ("name", name),
        ("budget.steps", steps),
        ("budget.eval_every", 2),
        ("budget.checkpoint_every", 4),
    ):
        page.fill(f"[name='{field}']", str(value))
    page.get_by_role("button", name=re.compile("^Launch")).click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    return page.url


def state(page: Page) -> Locator:
    return page.locator("#state")


def line(page: Page) -> Locator:
    return page.locator("#line")


@pytest.fixture(scope="module")
def ended() -> dict[str, str]:
    """Addresses of runs of this module that have ended, by name."""
    return {}


@pytest.fixture
def run(page: Page, ended: dict[str, str]) -> str:
    """The address of a run that is done: the story's, or a short one of its own where that test was left out."""
    if "story" not in ended:
        address = launch(page, "story", 6)
        expect(state(page)).to_have_text("done", timeout=LATER)
        ended["story"] = address
    return ended["story"]


def test_it_works(
    page: Page, context: BrowserContext, live_lab: lab_process.Lab, ended: dict[str, str], shoot: Shoot
) -> None:
    """Points come by themselves; network and server go and come back; nothing is missed; stop and resume."""
    address = launch(page, "story", STEPS)
    expect(state(page)).to_have_text("running", timeout=90_000)  # workers may still be starting
    page.evaluate("window.sameDocument = true")
    first = until(page, lambda: page.evaluate(POINTS))
    expect(line(page)).to_have_text("live")
    expect(page.locator("#rollouts tr[data-index]").first).to_be_visible(timeout=SOON)
    expect(page.locator("#credit .piece").first).to_be_visible(timeout=SOON)
    until(page, lambda: page.evaluate(POINTS) > first)

    context.set_offline(True)
    expect(line(page)).to_have_text("reconnecting", timeout=SOON)
    page.wait_for_timeout(2_500)
    context.set_offline(False)
    expect(line(page)).to_have_text("live", timeout=SOON)

    (web,) = [one for one in psutil.Process(live_lab.process.pid).children() if "uvicorn" in " ".join(one.cmdline())]
    web.kill()
    expect(line(page)).to_have_text("reconnecting", timeout=SOON)
    expect(line(page)).to_have_text("live", timeout=60_000)
    before = page.evaluate(POINTS)
    until(page, lambda: page.evaluate(POINTS) > before)
    shown = page.evaluate(STEPS_SHOWN)
    assert shown == list(range(1, len(shown) + 1)), "no step is missing"
    assert page.evaluate("window.sameDocument"), "the page was never loaded again"
    shoot(page, "run-live")

    page.get_by_role("button", name="Stop").click()
    expect(state(page)).to_have_text("stopped", timeout=SOON)
    page.get_by_role("button", name="Resume").click()
    expect(state(page)).to_have_text("done", timeout=LATER)
    assert page.evaluate(STEPS_SHOWN) == list(range(1, STEPS + 1))
    expect(page.locator("#numbers")).to_contain_text(f"{STEPS} of {STEPS} steps")
    ended["story"] = address
    shoot(page, "run-overview")


def test_a_rollout_opens_its_token_strip(page: Page, run: str, shoot: Shoot) -> None:
    page.goto(f"{run}?tab=rollouts")
    page.locator("#rollouts tr[data-index] .asked").nth(2).click()
    expect(page.locator("#rollouts tr.chosen")).to_have_count(1)
    expect(page.locator(".strip")).to_have_count(1)
    assert "index=2" in page.url
    streams = page.get_by_role("group", name="Streams")
    for name in ("reward", "log-prob", "reference log-prob", "entropy", "ratio"):
        streams.get_by_role("button", name=name, exact=True).click()
        expect(streams.get_by_role("button", name=name, exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".strip-row")).to_have_count(6)
    tokens = [row.locator(".piece").count() for row in page.locator(".strip-row").all()]
    assert len(set(tokens)) == 1, "every stream stands on the same text"
    page.locator(".piece").first.hover()
    told = page.locator(".strip-told")
    expect(told).to_contain_text(f"token 1 of {tokens[0]}")
    for name in ("advantage", "entropy", "ratio 1"):
        expect(told).to_contain_text(name)
    page.locator(".strip-rows").focus()
    page.keyboard.press("End")
    expect(told).to_contain_text(f"token {tokens[0]} of {tokens[0]}")
    shoot(page, "run-strip")
    page.get_by_role("group", name="Granularity").get_by_role("button", name="word").click()
    expect(page.locator(".strip-row").first.locator(".piece")).not_to_have_count(tokens[0])
    page.reload()
    expect(page.locator(".strip-row")).to_have_count(6)
    expect(page.locator("#rollouts tr.chosen")).to_have_count(1)


def test_the_tree_shows_visits_values_and_edges_and_filters(page: Page, run: str, shoot: Shoot) -> None:
    page.goto(f"{run}?tab=tree&step=1")
    expect(page.locator(".node").first).to_contain_text("8 of 8")
    expect(page.locator("#rollouts tr[data-index]")).to_have_count(8)
    child = page.locator(".icicle-row").nth(1).locator(".node").first
    label = child.get_attribute("title") or ""
    (visits,) = map(int, re.findall(r"(\d+) of 8", label))
    child.click()
    expect(page.locator(".node[aria-selected=true]")).to_have_count(1)
    expect(page.locator("#rollouts tr[data-index]")).to_have_count(visits)
    shoot(page, "run-tree")
    page.locator(".node[aria-selected=true]").press("ArrowUp")
    expect(page.locator(".node").first).to_be_focused()


def test_the_reference_of_the_front_moves_by_keys_and_hypervolume_follows(page: Page, run: str, shoot: Shoot) -> None:
    page.goto(f"{run}?tab=front")
    volume = page.locator("#front-note b")
    expect(volume).not_to_have_text("")
    assert page.locator(".checkpoint").count() >= 3
    assert page.locator(".checkpoint.best").count() >= 1
    before = float(volume.inner_text())
    page.locator(".reference").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(250)
    until(page, lambda: float(volume.inner_text()) > before, 10)
    expect(page.locator(".reference")).to_be_focused()
    assert "rx=" in page.url
    shoot(page, "run-front")


def test_the_reference_is_dragged(page: Page, run: str) -> None:
    page.goto(f"{run}?tab=front")
    expect(page.locator(".reference")).to_be_visible()
    box = page.locator(".reference .grip").bounding_box()
    assert box is not None
    at = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    before = page.locator("#front-note b").inner_text()
    page.mouse.move(*at)
    page.mouse.down()
    page.mouse.move(at[0] + 60, at[1] - 40, steps=6)
    page.mouse.up()
    expect(page.locator("#front-note b")).not_to_have_text(before)


def test_one_slider_moves_rollouts_strip_and_tree(page: Page, run: str) -> None:
    page.goto(run)
    expect(page.locator("#rollouts tr[data-index]").first).to_be_visible()
    page.locator("#step").focus()
    page.keyboard.press("Home")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#step-now")).to_have_text("3")
    expect(page.locator("#rollouts tr[data-step='3']").first).to_be_visible()
    expect(page.locator("#rollouts tr:not([data-step='3'])[data-index]")).to_have_count(0)
    expect(page.locator("#tree-note")).to_contain_text("step 3")
    prompt = page.locator("#group option:checked").inner_text().split(" ")[1]
    expect(page.locator(".node").first).to_contain_text(prompt)
    expect(page.locator("#rollouts tr[data-step='3'] .prompt", has_text=prompt).first).to_be_visible()
    group = page.locator("#group").input_value()
    expect(page.locator(f"[data-strips][data-step='3'][data-group='{group}']")).to_be_visible()
    index = page.locator(".strip-title").first.inner_text().split(" ")[0].removeprefix("#")
    stored = page.request.get(f"{run}rollouts/3/{index}/").json()
    assert stored["prompt"] == prompt
    expect(page.locator(".strip-text").first).to_have_text("".join(stored["pieces"]))
    assert "step=3" in page.url
    expect(page.locator("#follow")).not_to_be_checked()
    page.get_by_label("follow newest").check()
    expect(page.locator("#step-now")).not_to_have_text("3")


def test_a_range_on_a_curve_filters_rollouts(page: Page, run: str) -> None:
    page.goto(run)
    plot = page.locator("[data-chart=rewards] .nsewdrag").first
    expect(plot).to_be_visible()
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 3, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60, steps=8)
    page.mouse.up()
    note = page.locator("#range-note span")
    expect(note).to_have_text(re.compile(r"steps [01] to [1-9]"))
    low, high = re.findall(r"\d+", note.inner_text())
    assert f"steps={low}-{high}" in page.url
    expect(page.locator("#rollouts tr[data-index]").first).to_have_attribute("data-step", high)
    page.get_by_role("button", name="Show all of the step").click()
    expect(page.locator("#range-note")).to_be_hidden()


def test_a_search_in_completions_filters_them(page: Page, run: str) -> None:
    page.goto(f"{run}?tab=rollouts")
    expect(page.locator("#rollouts tr[data-index]").first).to_be_visible()
    page.get_by_label("Find in prompts and completions").fill("no such text")
    expect(page.locator("#rollouts")).to_contain_text("No completion matches these filters.")


@pytest.mark.parametrize("tab", ["credit", "config", "log", "files"])
def test_the_other_tabs(page: Page, run: str, shoot: Shoot, tab: str) -> None:
    page.goto(f"{run}?tab={tab}&group=0")
    words = {
        "credit": "reference: ",
        "config": '"batch_prompts": 16',
        "log": "held-out",
        "files": "step-000001.parquet",
    }
    expect(page.locator("#content")).to_contain_text(words[tab])
    shoot(page, f"run-{tab}")


def test_clone_compare_delete_and_undo(page: Page, run: str, shoot: Shoot) -> None:
    page.goto(run)
    page.get_by_role("link", name="Open as new run").click()
    expect(page.locator("[name='budget.eval_every']")).to_have_value("2")
    page.fill("[name='name']", "clone")
    page.fill("[name='budget.steps']", "2")
    page.get_by_role("button", name=re.compile("^Launch")).click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    expect(page.get_by_text("cloned from story")).to_be_visible()
    expect(state(page)).to_have_text("done", timeout=LATER)

    page.goto("/runs/")
    shoot(page, "runs-list")
    page.get_by_label("Compare clone").check()
    page.get_by_label("Compare story").check()
    page.get_by_role("button", name="Compare the chosen runs").click()
    expect(page.locator("#compared-curves .main-svg").first).to_be_visible(timeout=SOON)
    expect(page.locator("#content")).to_contain_text("budget.steps")
    expect(page.locator(".said").first).to_be_visible()
    shoot(page, "runs-compare")

    page.goto("/runs/")
    page.get_by_role("link", name="clone", exact=True).click()
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Delete").click()
    expect(state(page)).to_have_text("done")
    asked: list[str] = []

    def agree(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept()

    page.once("dialog", agree)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("This run was deleted")).to_be_visible()
    assert asked == ["Delete clone? It can be brought back for a week."]
    page.get_by_role("button", name="Undo the deletion").click()
    expect(page.get_by_text("This run was deleted")).to_have_count(0)
    expect(line(page)).to_have_text("live")


@pytest.mark.parametrize("tab", ["overview", "rollouts", "credit", "tree", "front", "config", "log", "files"])
def test_nothing_sticks_out_on_a_narrow_screen(page: Page, run: str, tab: str) -> None:
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    page.goto(f"{run}?tab={tab}&streams=reward,advantage,logp")
    expect(state(page)).to_have_text("done")
    page.wait_for_timeout(1_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
