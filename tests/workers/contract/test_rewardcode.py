"""How a source wants to be called, read from its text: whose form it follows, and what it asks for."""

import pytest

from workers.contract.rewardcode import check, signature_of

VERL = "def compute_score(data_source, solution_str, ground_truth, extra_info=None, **kw):\n    return {body}\n"
OPENRLHF = "def reward_func(queries, prompts, labels, **kw):\n    return {body}\n"


@pytest.mark.parametrize(
    ("source", "form"),
    [
        ("def reward(completions): ...", "trl"),
        ("def reward(**columns): ...", "trl"),
        ("def f(prompts, completions, completion_ids, trainer_state, log_extra, log_metric, **columns): ...", "trl"),
        ("async def g(completions, **kw): ...", "trl"),
        (VERL.format(body="0.0"), "verl"),
        ("async def mine(solution_str, *, ground_truth=None): ...", "verl"),
        (OPENRLHF.format(body="[]"), "openrlhf"),
    ],
)
def test_the_form_is_told_by_the_arguments(source: str, form: str) -> None:
    assert check(source) == []
    assert signature_of(source).form == form


def test_the_first_function_of_a_known_form_is_taken() -> None:
    source = "def helper(text): ...\ndef _queries(queries): ...\n" + VERL.format(body="0.0") + "def other(x): ..."
    assert signature_of(source).name == "compute_score"
    assert signature_of(source + "\ndef reward(completions): ...").name == "reward"


def test_what_is_not_known_or_not_given_is_marked() -> None:
    (mark,) = check("def score(text): ...")
    assert "score must take `completions`" in mark.message
    assert "def compute_score(" in mark.message
    assert "def reward_func(" in mark.message
    (mark,) = check("def compute_score(solution_str, reward_model_tokenizer): ...")
    assert "`reward_model_tokenizer` is not given here" in mark.message
    (mark,) = check("def compute_score(solution_str, /): ...")
    assert "called by keyword" in mark.message


@pytest.mark.parametrize(
    ("source", "columns"),
    [
        ("def f(prompts, completions, completion_ids, log_metric, answer, level, x=1): ...", ("answer", "level")),
        (VERL.format(body="float(solution_str == ground_truth)"), ("answer",)),
        (VERL.format(body="len(solution_str)"), ()),
        (OPENRLHF.format(body="[float(a in q) for q, a in zip(queries, labels)]"), ("answer",)),
        (OPENRLHF.format(body="[len(q) for q in queries]"), ()),
        ("def compute_score(solution_str, level): ...", ("level",)),
    ],
)
def test_the_columns_that_prompts_must_have(source: str, columns: tuple[str, ...]) -> None:
    assert signature_of(source).columns() == columns


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ("[len(c[0]['content']) for c in completions]", True),
        ("[f(c) for p, c in zip(prompts, completions) if c[-1]['content']]", True),
        ("[c[0].get('content') for n, (p, c) in enumerate(zip(prompts, completions))]", True),
        ("[completions[n][0]['content'] for n in range(3)]", True),
        ("[p[-1]['content'] == c for p, c in zip(prompts, completions)]", True),
        ("[len(c) for c in completions]", False),
        ("[c[0] for c in completions]", False),
        ("[m[0]['content'] in c for m, c in zip(history, completions)]", False),
        ("[len(m['content']) for c in completions for m in c]", True),
        ("list(map(lambda c: len(c[0]['content']), completions))", True),
        ("[c[0]['content'] for c in completions[:2]]", True),
        ("[c['content'] for c in completions]", False),
        ("list(map(lambda h: h[0]['content'], history))", False),
    ],
)
def test_functions_that_read_messages_are_given_messages(body: str, messages: bool) -> None:
    assert signature_of(f"def reward(prompts, completions, history):\n    return {body}").messages is messages


@pytest.mark.parametrize(
    ("lines", "messages"),
    [
        (("said = completions", "return [one[0]['content'] for one in said]"), True),
        (("for one in completions:", "    for message in one:", "        print(message['content'])"), True),
        (("for one in completions:", "    one = one[0]", "    print(one['content'])"), True),
        (("for one in completions:", "    last = one[-1]", "    print(last.get('content'))"), True),
        (("for one in completions:", "    found = read(one)", "    print(found[0]['content'])"), False),
    ],
)
def test_messages_are_found_behind_other_names(lines: tuple[str, ...], messages: bool) -> None:
    source = "\n    ".join(("def reward(completions):", *lines))
    assert signature_of(source).messages is messages


@pytest.mark.parametrize(
    ("kind", "messages"),
    [
        ("list[list[dict[str, str]]]", True),
        ("'List[List[Dict[str, str]]]'", True),
        ("list[str]", False),
        ("list[str] | list[list[dict]]", False),
        ("Any", False),
    ],
)
def test_an_argument_may_say_what_it_wants(kind: str, messages: bool) -> None:
    assert signature_of(f"def reward(completions: {kind}):\n    return text(completions)").messages is messages


def test_what_is_given_only_when_asked_for() -> None:
    assert signature_of("def f(completions, **kw):\n    return [0.0]").extras == ()
    assert signature_of("def f(completions, log_metric=None): ...").extras == ("log_metric",)
    asked = signature_of("def f(completions, **kw):\n    return kw['completion_ids'], kw.get('trainer_state')")
    assert asked.extras == ("completion_ids", "trainer_state")
