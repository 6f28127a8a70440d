"""The story of an algorithm in a real browser: DAPO from parts, a refused credit mended by a click, saved, used."""

import re
import time

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Shoot


def choose(page: Page, field: str, option: str) -> None:
    """Choose one of a list, as the form names it; the form answers with what the choice brought."""
    page.wait_for_load_state()  # before that no script listens to the list
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.locator(f"[name='{field}']").select_option(option)


def refuse_and_mend(page: Page, shoot: Shoot) -> None:
    """Critic credit without a critic is refused and mended by a click; without that credit the critic is too much."""
    choose(page, "credit.name", "gae")
    trouble = page.locator("[data-trouble='credit.name']")
    expect(trouble).to_contain_text("needs a critic")
    expect(page.locator("[data-field='credit.name'] [data-error]")).to_contain_text("needs a critic")
    shoot(page, "algorithm-refused")
    page.fill("#name", "not this way")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Not saved. The checks say what to mend.")).to_be_visible()
    page.get_by_role("button", name="Fix: with a critic").click()
    expect(page.get_by_text("nothing is wrong")).to_be_visible()
    expect(page.locator("[name='companions.0.role']")).to_have_value("critic")
    shoot(page, "algorithm-with-critic")

    choose(page, "credit.name", "grpo")
    expect(page.locator("[data-trouble]")).to_contain_text("no part of the recipe asks for a critic")
    page.get_by_role("button", name="Fix: no companion").click()
    expect(page.get_by_text("nothing is wrong")).to_be_visible()


def launch(page: Page, shoot: Shoot) -> None:
    """Two steps with the algorithm: the run's page says which one it is, and shows its formulas."""
    page.fill("[name='budget.steps']", "2")
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    expect(page.locator("p.facts").get_by_role("link", name="DAPO from parts, version 2")).to_be_visible()
    page.get_by_role("link", name="Config").click()
    recipe = page.locator("section.recipe")
    expect(recipe).to_contain_text("Dynamic sampling (DAPO) → Soft overlong punishment (DAPO) → Group-relative (GRPO)")
    expect(recipe.locator(".with-numbers math").first).to_be_visible()
    expect(page.locator("#state")).to_have_text("done", timeout=120_000)  # two steps of real training
    shoot(page, "run-config")


def test_it_works(page: Page, shoot: Shoot) -> None:
    page.goto("/workshop/")
    page.get_by_role("link", name="Algorithms").click()
    shoot(page, "algorithms")
    page.get_by_role("link", name="New algorithm").click()
    expect(page.get_by_text("nothing is wrong")).to_be_visible()

    choose(page, "add_selection", "selection/dynamic_sampling")
    choose(page, "add_shaping", "shaping/overlong")
    expect(page.locator("[name='shaping.0.params.margin']")).to_have_value("0.2")
    line = page.locator(".formula-line", has_text="Objective")
    expect(line).not_to_contain_text("0.28")
    page.fill("[name='objective.params.eps_high']", "0.28")
    expect(line.get_by_text("eps_high 0.28 (source 0.2)")).to_be_visible()
    expect(line.locator(".with-numbers math")).to_contain_text("0.28")
    page.get_by_role("button", name="Remove kl_k3").click()
    expect(page.get_by_text("None: nothing holds the policy near where it was.")).to_be_visible()

    refuse_and_mend(page, shoot)
    page.fill("#name", "DAPO from parts")
    page.fill("#message", "as published")
    page.keyboard.press("Control+Enter")
    page.wait_for_url(re.compile(r"/workshop/algorithms/\d+/$"))
    expect(page.locator(".head-title summary")).to_have_text("version 1")
    shoot(page, "algorithm")

    page.fill("[name='objective.params.eps_high']", "0.3 → 0.2 over 0.5")
    expect(line.locator(".with-numbers math")).to_contain_text("→")
    page.get_by_role("button", name="Save version 2").click()
    expect(page.locator(".head-title summary")).to_have_text("version 2")
    page.get_by_role("link", name="History").click()
    expect(page.locator(".diff .gone code")).to_have_text("    eps_high: 0.28")
    shoot(page, "algorithm-history")
    page.go_back()
    page.get_by_role("link", name="Use in a new run").click()
    expect(page.get_by_role("link", name="DAPO from parts, version 2")).to_be_visible()
    expect(page.locator("[name='objective.params.eps_high']")).to_have_value("0.3 → 0.2 over 0.5")
    expect(page.get_by_text("nothing is wrong")).to_be_visible()
    shoot(page, "new-run-with-algorithm")
    launch(page, shoot)


def test_a_recipe_is_taken_into_a_run_and_changed_there(page: Page) -> None:
    page.goto("/runs/new/")
    choose(page, "use_algorithm", "ready:ppo")
    expect(page.locator("[name='companions.0.role']")).to_have_value("critic")
    expect(page.locator("[name='siblings']")).to_have_value("1")
    expect(page.get_by_text("nothing is wrong")).to_be_visible()
    choose(page, "use_algorithm", "ready:dpo")
    expect(page.locator("[name='pool.on']")).to_be_checked()
    expect(page.locator("[name='objective.name']")).to_have_value("preferences/dpo")
    expect(page.locator("[name='credit.name']")).to_have_value("")
    page.uncheck("[name='pool.on']")
    expect(page.locator("[data-trouble='pool']")).to_contain_text("has no stock of them")
    page.get_by_role("button", name="Fix: a stock of completions of 256 prompts").click()
    expect(page.get_by_text("nothing is wrong")).to_be_visible()


def test_a_slow_answer_is_not_overtaken_by_the_checks(page: Page) -> None:
    """A choice also asks for checks, a little later: these wait, or the choice would be lost."""

    def slowly(route: Route) -> None:
        if "do=algorithm" in (route.request.post_data or ""):
            time.sleep(1.5)
        route.continue_()

    page.route("**/runs/new/", slowly)
    page.goto("/runs/new/")
    page.locator("[name='use_algorithm']").select_option("ready:dpo")
    expect(page.locator("[name='pool.on']")).to_be_checked(timeout=10_000)
    page.fill("[name='pool.rounds']", "0")
    expect(page.locator("[data-trouble='pool.rounds']")).to_be_visible()
