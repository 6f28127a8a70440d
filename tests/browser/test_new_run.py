"""The new-run page and the library in a real browser, with real workers behind them."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Shoot


def value(page: Page, name: str) -> str:
    return page.locator(f"[name='{name}']").input_value()


def test_it_works(page: Page, shoot: Shoot) -> None:
    page.goto("/runs/new/?guided=1")
    expect(page.get_by_text("nothing is wrong")).to_be_visible()
    assert value(page, "credit.name") == "grpo"
    shoot(page, "new-run")


def test_a_wrong_field_says_so_beside_itself_and_is_fixed_by_a_click(page: Page) -> None:
    page.goto("/runs/new/")
    page.fill("[name='siblings']", "0")
    expect(page.locator("[data-field='siblings'] [data-error]")).to_have_text("siblings must be at least 1, not 0")
    expect(page.locator("[name='siblings']")).to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Fix: siblings = 8").click()
    expect(page.locator("[name='siblings']")).to_have_value("8")
    expect(page.get_by_text("nothing is wrong")).to_be_visible()


def test_enter_in_a_field_starts_no_run(page: Page) -> None:
    page.goto("/runs/new/")
    page.fill("[name='siblings']", "0")
    page.keyboard.press("Enter")
    expect(page.locator("[data-trouble='siblings']")).to_be_visible()
    assert page.url.endswith("/runs/new/")
    expect(page.get_by_text("Nothing was queued")).to_have_count(0)


def test_ctrl_enter_sends_the_form(page: Page) -> None:
    page.goto("/runs/new/")
    page.fill("[name='siblings']", "0")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Nothing was queued")).to_be_visible()
    assert value(page, "siblings") == "0"


def test_methods_are_exchanged_where_one_stands(page: Page) -> None:
    page.goto("/runs/new/")
    chooser = page.locator("[name='credit.name']")
    chooser.focus()
    chooser.select_option("tempo")
    expect(page.locator("[name='credit.params.td_weight']")).to_have_value("1.0")
    expect(page.locator("[name='credit.name']")).to_be_focused()
    page.fill("[name='credit.params.td_weight']", "0")
    expect(page.locator("[data-field='credit.params.td_weight']")).to_contain_class("differs")
    expect(page.get_by_text("td_weight 0.0 (source 1.0)")).to_be_visible()


def test_a_document_is_copied_out_and_pasted_back(page: Page) -> None:
    page.goto("/runs/new/")
    page.locator(".document-tabs label", has_text="YAML").click()
    text = page.locator("#document-yaml").inner_text()
    page.get_by_text("Paste a document").click()
    page.fill("#paste", text.replace("seed: 0", "seed: eleven"))
    page.get_by_role("button", name="Fill the form").click()
    expect(page.get_by_text("seed: int is needed, not str 'eleven'")).to_be_visible()
    page.fill("#paste", text.replace("seed: 0", "seed: 11"))
    page.get_by_role("button", name="Fill the form").click()
    expect(page.locator("[name='seed']")).to_have_value("11")


def test_the_figure_of_a_method_is_computed_and_follows_its_parameters(page: Page, shoot: Shoot) -> None:
    page.goto("/library/objectives/ppo_clip/")
    expect(page.locator("#probe .main-svg").first).to_be_visible(timeout=60_000)  # workers may still be starting
    shoot(page, "library-method")
    page.fill("[name='params.eps_low']", "0.5")
    page.wait_for_url("**params.eps_low=0.5**")
    expect(page.locator("#probe .main-svg").first).to_be_visible()
    page.fill("[name='params.eps_low']", "5")
    expect(page.locator("#probe .error")).to_contain_text("eps_low must be at most 1")
    page.get_by_role("button", name="Back to the defaults").click()
    expect(page.locator("#probe .main-svg").first).to_be_visible()


def test_credit_is_shown_on_tokens(page: Page) -> None:
    page.goto("/library/credit/tempo/")
    expect(page.locator(".strip-token").first).to_be_visible(timeout=60_000)
    expect(page.locator(".strip")).to_have_count(4)


def test_the_library_is_searched_from_the_keyboard(page: Page, shoot: Shoot) -> None:
    page.goto("/library/")
    shoot(page, "library")
    page.keyboard.press("f")
    page.keyboard.type("leave-one-out")
    page.wait_for_url("**/library/?q=leave-one-out**")
    expect(page.get_by_role("link", name="Leave-one-out (RLOO)")).to_be_visible()
    expect(page.get_by_role("link", name="Brevity")).to_have_count(0)


@pytest.mark.parametrize("address", ["/runs/new/?guided=1", "/library/", "/library/credit/tempo/", "/api/v1/docs"])
def test_nothing_sticks_out_on_a_narrow_screen(page: Page, address: str) -> None:
    page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


def test_the_starter_with_skills_is_one_choice_more(page: Page, shoot: Shoot) -> None:
    page.goto("/runs/new/")
    page.get_by_label("Starter with skills").check()
    expect(page.get_by_text("knows tool use, SQL, reranking, judging")).to_be_visible()
    expect(page.get_by_text("knows sums and differences")).to_be_hidden()
    expect(page.get_by_text("starter-skills", exact=False).first).to_be_visible()
    expect(page.get_by_text("nothing is wrong")).to_be_visible()
    shoot(page, "new-run-skills")
