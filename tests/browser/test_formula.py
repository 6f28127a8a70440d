"""A formula in a real browser: a slip shown at its column, mended, saved, run to its end, and compared."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Shoot


def choose(page: Page, field: str, option: str) -> None:
    """Choose one of a list; the form answers with what the choice brought."""
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.locator(f"[name='{field}']").select_option(option)


def part(page: Page, name: str) -> Locator:
    """The editor of the formula that stands for credit or the objective."""
    return page.locator(f"[data-field='{name}.source']")


def slip_and_mend(page: Page, shoot: Shoot) -> None:
    """The slip is shown with its column while one types; nothing is saved before it is mended."""
    credit = part(page, "credit")
    expect(credit.locator("math").first).to_be_visible()
    credit.locator("textarea").fill("spread = std(r, group) + 1e-6\n(r - mean(rr, group)) / spread")
    expect(credit.locator("p.error")).to_have_text("Line 2, column 11: there is no 'rr'.")
    expect(credit.locator(".slip mark")).to_have_text("rr")
    expect(credit.locator(".slip span")).to_have_text(re.compile(r"^ {10}\^\^$"))
    expect(credit).to_contain_text("Did you mean r?")
    expect(page.locator("[data-trouble='credit.source']")).to_contain_text("line 2, column 11: there is no 'rr'")
    expect(credit.locator("textarea")).to_have_attribute("aria-invalid", "true")
    shoot(page, "formula-slip")
    page.locator("[data-trouble='credit.source'] a").click()
    chosen = "text => text.value.slice(text.selectionStart, text.selectionEnd)"
    assert credit.locator("textarea").evaluate(chosen) == "rr"
    page.fill("#name", "By hand")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Not saved. The checks say what to mend.")).to_be_visible()
    credit.locator("textarea").fill("spread = std(r, group) + 1e-6\n(r - mean(r, group)) / spread")
    expect(credit).to_contain_text("One number for each completion. Needs nothing beyond the batch.")
    expect(page.get_by_text("nothing is wrong")).to_be_visible()
    shoot(page, "formula-mended")


def run_it(page: Page, shoot: Shoot) -> None:
    """Two steps with both formulas, seen to their end; the page of the run shows them as MathML and as text."""
    page.fill("[name='name']", "by hand")
    page.fill("[name='budget.steps']", "2")
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    expect(page.locator("#state")).to_have_text("done", timeout=120_000)  # two steps of real training
    page.get_by_role("link", name="Config").click()
    recipe = page.locator("section.recipe")
    expect(recipe.locator("pre.formula-text").first).to_have_text(re.compile(r"\(r - mean\(r, group\)\) / spread"))
    expect(recipe.locator(".formula-line", has_text="Credit").locator("math")).to_have_count(2 + 1)
    shoot(page, "formula-run")


def test_it_works(page: Page, shoot: Shoot) -> None:
    page.goto("/workshop/")
    page.get_by_role("link", name="Formulas").click()
    expect(page.locator("#name-ref_logp")).to_contain_text("Needs the reference policy")
    shoot(page, "formulas")
    page.get_by_role("link", name="New algorithm").click()
    page.wait_for_url("**/workshop/algorithms/new/")
    choose(page, "credit.name", "formula")
    slip_and_mend(page, shoot)
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile(r"/workshop/algorithms/\d+/$"))
    expect(part(page, "credit").locator("textarea")).to_have_value(re.compile("spread = std"))
    page.get_by_role("link", name="Use in a new run").click()
    page.wait_for_url("**/runs/new/**")
    expect(part(page, "credit").locator("textarea")).to_have_value(re.compile("spread = std"))
    choose(page, "objective.name", "formula")
    expect(part(page, "objective").locator("textarea")).to_have_value(re.compile(r"^-min\(ratio \* A"))
    expect(page.get_by_text("nothing is wrong")).to_be_visible()
    shoot(page, "formula-new-run")
    run_it(page, shoot)


def test_a_critic_is_asked_for_and_put_in_by_a_click(page: Page) -> None:
    page.goto("/runs/new/")
    choose(page, "credit.name", "formula")
    page.get_by_role("button", name="Against a critic (GAE)").click()
    expect(part(page, "credit")).to_contain_text("Needs a critic")
    expect(page.locator("[data-field='credit.name'] [data-error]")).to_contain_text("needs a critic")
    page.get_by_role("button", name="Fix: with a critic").click()
    expect(page.get_by_text("nothing is wrong")).to_be_visible()
    expect(part(page, "credit").locator("textarea")).to_have_value(re.compile("target = advantage"))
