"""A judge is tried on a sample, with a real server in its place: its value, and what it wrote; and its library page."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Shoot
from tests.workers.engine.scripted import Asked, said, serving


def test_a_judge_is_tried_on_a_sample(page: Page, shoot: Shoot) -> None:
    """On a scale of 10 a mark of 7 is (7 - 1) / 9; the address is mended where it was refused."""
    with serving(Asked(lambda *_: said("Short, and nearly right.\n[[7]]"))) as url:
        page.goto("/workshop/rewards/new/parts/")
        page.get_by_role("button", name="Add the first part").press("Enter")
        expect(page.locator("#picker")).to_be_visible()
        page.locator("[data-pick='rewards/judge']").click()
        part = page.locator('.part[data-path=""]')
        expect(part).to_be_focused()
        page.keyboard.press("F2")
        page.locator('[name="tree.params.url"]').fill("http://me:secret@host/v1")
        expect(part.locator("> [data-error]")).to_contain_text("without name, password or query")
        page.locator('[name="tree.params.url"]').fill(url)
        expect(page.locator(".part[data-troubled]")).to_have_count(0)
        page.get_by_text("Pasted").first.click()
        page.fill("#sample-pasted", '{"prompt": "1+1", "completion": "it is 2 or so"}')
        page.get_by_role("button", name="Show values").click()
        expect(page.locator(".part-value")).to_have_text(["0.667"], timeout=60_000)
        expect(page.locator("#values")).to_contain_text("Short, and nearly right.")
        shoot(page, "judge-tried")


def test_its_library_page_says_that_it_asks_a_server(page: Page, shoot: Shoot) -> None:
    page.goto("/library/rewards/judge/")
    expect(page.get_by_text("the values come from a model behind an OpenAI-compatible address")).to_be_visible(
        timeout=60_000
    )
    shoot(page, "judge-library")
