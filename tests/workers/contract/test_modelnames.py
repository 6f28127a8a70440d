"""Where a run's document names models: every such place, and nothing else."""

from dataclasses import replace

from workers.contract.analysis import AnalysisSpec
from workers.contract.catalogue import read_catalogue
from workers.contract.modelnames import of_node, renamed, renamed_in, runs_named
from workers.contract.rewardnode import INNER, LEAF, Node
from workers.contract.spec import Companion, Model, Pick, Prompts, RewardPick, RunSpec

CATALOGUE = read_catalogue()
FLR = Node(LEAF, "flr", {"name": "run:c", "categories": "run:no"})
TREE = Node(INNER, "sum", of=(Node(LEAF, "brevity", {"zero_from": 8}), Node(INNER, "product", of=(FLR, FLR))))
REWARDS = (
    RewardPick("scored", "scored_by_model", {"template": "run:no", "name": "run:b"}),
    RewardPick("tree", "tree:1@1", tree=TREE),
    RewardPick("run:no", "code:1@1", {"name": "run:no"}, source="def reward(): ..."),
    RewardPick("mine", "flr", {"name": "run:no"}, source="def reward(): ..."),
    RewardPick("default", "flr"),
)
SPEC = RunSpec(
    name="run:no",
    model=Model("run:a"),
    prompts=Prompts(path="run:no"),
    rewards=REWARDS,
    credit=Pick("credit", "grpo"),
    objective=Pick("objectives", "ppo_clip"),
    reduction=Pick("reductions", "token_mean"),
    companions=(Companion("critic"), Companion("guide", Model("run:d"))),
)
PLACES = [
    ("model.name", "run:a"),
    ("companions.1.model.name", "run:d"),
    ("rewards.0.params.name", "run:b"),
    ("rewards.1.tree.of.1.of.0.params.name", "run:c"),
    ("rewards.1.tree.of.1.of.1.params.name", "run:c"),
]


def test_it_works() -> None:
    assert sorted(runs_named(SPEC, CATALOGUE)) == sorted(PLACES)


def test_names_are_exchanged_and_everything_else_stays() -> None:
    made = renamed(SPEC, CATALOGUE, lambda path, name: f"/m/{name[4:]}" if name.startswith("run:") else name)
    assert runs_named(made, CATALOGUE) == []
    assert made.model.name == "/m/a"
    assert [one.model.name for one in made.companions] == ["", "/m/d"]
    assert list(made.rewards[0].params.items()) == [("template", "run:no"), ("name", "/m/b")]
    assert made.rewards[2:] == REWARDS[2:]
    back = {"/m/a": "run:a", "/m/b": "run:b", "/m/c": "run:c", "/m/d": "run:d"}
    assert renamed(made, CATALOGUE, lambda path, name: back.get(name, name)) == SPEC


def test_the_digest_and_label_of_a_part_stay() -> None:
    node = replace(FLR, digest="abc", label="reader")
    assert of_node(node, CATALOGUE, lambda path, name: "/m") == replace(node, params={**FLR.params, "name": "/m"})


def test_a_value_that_is_no_text_is_left_to_the_checks() -> None:
    odd = replace(SPEC, rewards=(RewardPick("odd", "flr", {"name": 3}),))
    assert renamed(odd, CATALOGUE, lambda path, name: name) == odd


def test_an_analysis_names_a_tokenizer_too() -> None:
    spec = AnalysisSpec("scores", REWARDS[:1], tokenizer="run:t")
    assert runs_named(spec, CATALOGUE) == [("tokenizer", "run:t"), ("rewards.0.params.name", "run:b")]
    assert renamed_in(spec, CATALOGUE, lambda path, name: "/m").tokenizer == "/m"


def test_every_parameter_that_names_a_model_says_so() -> None:
    """The rewards that ask a model by name, as their words say, are marked."""
    named = {"reward_model", "likelihood"}
    for method in CATALOGUE.of(LEAF):
        marked = [param.name for param in method.params if getattr(param.limit, "model", False)]
        assert bool(marked) == bool(named & set(method.needs)), method.name
