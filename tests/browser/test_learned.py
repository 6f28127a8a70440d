"""A run begun with what another one learned, in a real browser: chosen, launched, and linked to where it began."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Shoot


def launched(page: Page, name: str) -> str:
    """The form as it stands, for one step; the number of the run."""
    page.fill("[name='name']", name)
    page.fill("[name='budget.steps']", "1")
    page.get_by_role("button", name=re.compile("^Launch")).click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    expect(page.locator("#state")).to_have_text("done", timeout=180_000)
    return page.url.rstrip("/").rpartition("/")[2]


def test_it_works(page: Page, shoot: Shoot) -> None:
    page.goto("/runs/new/?guided=1")
    first = launched(page, "teacher")
    page.goto("/runs/new/?try=rewards/flr")
    page.get_by_role("radio", name="A run's model").check()
    expect(page.locator("[data-field='model.run'] [data-error]")).to_have_text("choose a run that has a checkpoint")
    expect(page.locator("[data-field='model.directory']")).to_be_hidden()
    page.get_by_label("run, and the step of its newest checkpoint").select_option(f"run:{first}")
    expect(page.locator("[data-field='model.run'] [data-error]")).to_be_hidden()
    reader = page.locator("[name='rewards.2.params.name']")
    assert reader.evaluate("one => [...one.list.options].map((option) => option.value)")[0].startswith("run:")
    page.locator("[data-field='model.run']").scroll_into_view_if_needed()
    shoot(page, "new-run-model-of-a-run")
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]

    page.goto(f"/runs/{first}/?tab=files")
    page.get_by_role("link", name="Begin a run with the newest checkpoint").click()
    expect(page.get_by_label("run, and the step of its newest checkpoint")).to_have_value(f"run:{first}")
    second = launched(page, "pupil")
    page.goto(f"/runs/{second}/?tab=config")
    expect(page.locator(".lineage")).to_contain_text("From teacher, step 1: the model that it began with.")
    shoot(page, "run-lineage")
    page.locator(".lineage").get_by_role("link", name="teacher").click()
    expect(page).to_have_url(re.compile(first))
