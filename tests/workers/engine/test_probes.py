"""Figures of methods: each has one, made by the method's own code, as plain JSON."""

import json
from math import isfinite
from typing import Any

import pytest

from tests.workers.stage import catalogue, variants
from workers.contract.kinds import KINDS
from workers.contract.method import MethodError
from workers.engine.probes import probe
from workers.engine.probes.rewards import OUTSIDE

EVERY = [(kind, name, params) for kind in KINDS for name, params in variants(kind)]


def line(figure: dict[str, Any], name: str) -> dict[float | str, float]:
    """One series as {x: y}."""
    (found,) = [series for series in figure["series"] if series["name"] == name]
    return dict(zip(found["x"], found["y"], strict=True))


def drawn(kind: str, name: str, params: dict[str, object]) -> tuple[dict[str, Any], str]:
    """The figure, or why there is none."""
    try:
        return probe(kind, name, params), ""
    except ValueError as error:
        return {}, str(error)


@pytest.mark.parametrize(("kind", "name", "params"), EVERY)
def test_every_method_has_a_figure(kind: str, name: str, params: dict[str, object]) -> None:
    """All but rewards whose values come from a model or a server: those say so."""
    figure, refused = drawn(kind, name, params)
    if refused:
        assert "There is no figure: the values come from" in refused
        assert set(catalogue().get(kind, name).needs) & set(OUTSIDE)
        return
    assert json.loads(json.dumps(figure, allow_nan=False)) == json.loads(json.dumps(figure))
    assert figure["kind"] in ("lines", "bars", "strip")
    assert figure["title"]
    assert figure["x"]["label"]
    assert figure["y"]["label"]
    assert figure["series"]
    for series in figure["series"]:
        assert series["name"]
        assert len(series["x"]) == len(series["y"]) > 0
        assert all(value is None or isfinite(value) for value in series["y"])
        assert len(series["tokens"]) == (len(series["y"]) if figure["kind"] == "strip" else 0)


def test_parameters_change_the_figure() -> None:
    for kind, name, params in (
        ("credit", "grpo", {"norm": "none"}),
        ("objectives", "ppo_clip", {"eps_high": 0.5}),
        ("regularisers", "kl_k3", {"coef": 0.5}),
        ("reductions", "fixed_length", {"length": 7}),
        ("rewards", "brevity", {"zero_from": 9}),
        ("tasks", "arithmetic", {"level": 4}),
    ):
        assert probe(kind, name) != probe(kind, name, params), name


def test_the_clipped_surrogate_flattens_above_its_bound() -> None:
    """At a log-ratio of 1 (ratio 2.718) with advantage 1: loss -1.2 and no gradient."""
    figure = probe("objectives", "ppo_clip")
    assert line(figure, "loss, advantage +1")[1.0] == pytest.approx(-1.2)
    assert line(figure, "gradient, advantage +1")[1.0] == 0.0
    assert line(figure, "gradient, advantage -1")[1.0] == pytest.approx(2.718282, abs=1e-5)


def test_the_tree_pays_at_branches() -> None:
    """Rewards 1, 0, 0, 1: three of four share the first token with mean 1/3, so it costs 1/6 of a point."""
    strips = probe("credit", "tempo", {"norm": "none"})["series"]
    assert strips[0]["tokens"][0] == "12+35"
    assert strips[0]["y"] == pytest.approx([0.5 - 1 / 6, 0.5 + 1 / 6, 0.5, 0.5, 1.0, 0.5], abs=1e-6)


def test_brevity_is_drawn_over_length_and_others_over_samples() -> None:
    assert probe("rewards", "brevity")["kind"] == "lines"
    bars = line(probe("rewards", "exact_answer"), "Exact answer")
    assert (bars["#39"], bars["#41"]) == (1.0, 0.0)


def test_a_shaping_that_looks_at_all_rewards_sees_them_together() -> None:
    """Of as many 0, 0.5 and 1 the deviation is the root of 1/6."""
    figure = probe("shaping", "running_scale")
    ends = [line(figure, f"reward {reward}")[1.0] for reward in ("0", "0.5", "1")]
    assert ends == pytest.approx([-0.5 * 6**0.5, 0.0, 0.5 * 6**0.5], abs=1e-5)


@pytest.mark.parametrize("name", ["judge", "remote", "scored_by_model", "reward_anything", "flr"])
def test_no_server_is_asked_for_a_figure(name: str) -> None:
    with pytest.raises(ValueError, match=r"There is no figure: .* Try the reward on samples instead"):
        probe("rewards", name)


def test_rewards_that_read_other_columns_have_samples_of_their_own() -> None:
    """Of the programs for the larger of two numbers two are right, one passes two tests of three, two do not run."""
    (bars,) = probe("rewards", "unit_tests")["series"]
    assert bars["y"] == pytest.approx([1.0, 1.0, 2 / 3, 0.0, 0.0, 1.0, 0.0], abs=1e-6)
    (bars,) = probe("rewards", "sql_result")["series"]
    assert bars["y"] == [1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    (bars,) = probe("rewards", "toolrl")["series"]
    assert bars["y"][0] == max(bars["y"]) > bars["y"][1] > bars["y"][3]
    (bars,) = probe("rewards", "judge_agreement")["series"]
    assert bars["y"][0] == max(bars["y"]) > bars["y"][1] > bars["y"][2] > bars["y"][4] == 0
    with pytest.raises(ValueError, match="come from a reward service behind an address"):
        probe("rewards", "remote")


def test_what_cannot_be_drawn_says_why() -> None:
    with pytest.raises(MethodError, match="there is no rewards method"):
        probe("rewards", "nothing")
    with pytest.raises(ValueError, match="coef must be at least 0"):
        probe("regularisers", "kl_k3", {"coef": -1})


def test_every_kind_has_a_probe() -> None:
    assert {method.kind for method in catalogue().methods.values()} == set(KINDS)


def test_a_combination_is_drawn_with_one_part_moving_and_the_others_still() -> None:
    """A gate at 1: what is earned shows only while the deciding part stands at 1."""
    gate = probe("combining", "gate")
    assert line(gate, "part 1 moves, others 0.5") == {x: 0.5 if x >= 1 else 0.0 for x in gate["series"][0]["x"]}
    assert set(line(gate, "part 2 moves, others 0.5").values()) == {0.0}
    assert line(gate, "part 2 moves, others 1")[1.25] == 1.25
    faded = probe("combining", "schedule", {"start": 1.0, "end": 3.0})
    assert [line(faded, f"step {step} of 10")[1.5] for step in (1, 10)] == [1.5, 4.5]
