"""What goes wrong in users' code is said with its sample and its line, and the other samples keep their scores."""

from pathlib import Path

import pytest

from tests.workers.sandbox.attempts import answers
from workers.sandbox import Limits, SandboxFault, Scorer, Scores

QUICK = Limits(seconds=0.5, sample_seconds=0.3)


def score(source: str, *texts: str, limits: Limits = QUICK) -> Scores:
    with Scorer(source, limits) as scorer:
        return scorer.score(answers(*texts))


def lived_on(scorer: Scorer) -> bool:
    """Whether the next call is answered as if nothing had happened."""
    return scorer.score(answers("1", "2")).values == [1.0, 2.0]


def test_syntax_is_told_before_any_child_starts() -> None:
    with pytest.raises(SandboxFault) as caught:
        Scorer("def reward(completions):\n    return [\n")
    assert (caught.value.kind, caught.value.user_line) == ("syntax", 2)


def test_samples_that_raise_are_named_and_the_others_keep_their_scores() -> None:
    source = (
        "def one(text):\n    return 6 / int(text)\n\ndef reward(completions):\n    return [one(c) for c in completions]"
    )
    found = score(source, "1", "0", "x", "2")
    assert found.values == [6.0, None, None, 3.0]
    assert [(f.kind, f.sample_index, f.user_line) for f in found.faults] == [("raised", 1, 2), ("raised", 2, 2)]
    assert found.faults[0].what == "line 2: ZeroDivisionError: division by zero"
    assert 'File "reward.py", line 2, in one\n    return 6 / int(text)' in found.faults[0].traceback_text
    assert "workers" not in found.faults[0].traceback_text
    assert found.failed() == {1: found.faults[0].what, 2: found.faults[1].what}


def test_sound_samples_are_scored_together_again() -> None:
    """A rank or a mean within the batch would be lost if each were scored alone."""
    source = "def reward(completions):\n    return [int(c) - min(map(int, completions)) for c in completions]"
    assert score(source, "3", "x", "5").values == [0.0, None, 2.0]


def test_a_batch_that_fails_though_each_sample_is_fine() -> None:
    found = score(
        "def reward(completions):\n    assert len(completions) == 1, 'one at a time'\n    return [1]", "a", "b"
    )
    assert found.values == [None, None]
    assert [(f.sample_index, f.user_line) for f in found.faults] == [(None, 2)]
    assert set(found.failed()) == {0, 1}


def test_module_code_that_raises_is_told_when_the_child_starts() -> None:
    with (
        pytest.raises(SandboxFault, match="line 2: KeyError: 'x'") as caught,
        Scorer("import os\nos.environ['x']\ndef reward(completions): ..."),
    ):
        pass
    assert caught.value.kind == "raised"


@pytest.mark.parametrize(
    "how", ["raise SystemExit(3)", "exit(3)", "raise KeyboardInterrupt", "raise BaseException('x')"]
)
def test_every_exception_is_caught(how: str) -> None:
    found = score(f"import sys\nfrom sys import exit\ndef reward(completions):\n    {how}", "a")
    assert [(f.kind, f.sample_index, f.user_line) for f in found.faults] == [("raised", 0, 4)]


def test_an_exception_that_cannot_be_shown() -> None:
    source = "class E(Exception):\n    def __str__(self):\n        raise E\ndef reward(completions):\n    raise E"
    assert [(f.kind, f.user_line) for f in score(source, "a").faults] == [("raised", 5)]


def test_a_library_that_is_not_allowed_is_said_with_those_that_are() -> None:
    found = score("def reward(completions):\n    import torch", "a")
    assert "No module named 'torch'. A reward may import the standard library and: numpy, " in found.faults[0].what


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("float('nan')", "is nan, which is no finite number"),
        ("float('-inf')", "is -inf, which is no finite number"),
        ("'1'", "is str '1', which is no number"),
        ("{1}", "is set {1}, which is no number"),
        ("[0.5, 'x']", "the value of a token is str 'x', which is no number"),
        ("[0.5, None]", "the value of a token is None"),
        ("{'a': 1, 'b': 'x'}", "the part 'b' is str 'x', which is no number"),
        ("10 ** 400", "OverflowError"),
    ],
)
def test_what_is_no_number_is_refused_with_its_sample(given: str, said: str) -> None:
    found = score(f"def reward(completions):\n    return [{given} if c == 'x' else 0 for c in completions]", "a", "x")
    assert found.values == [0.0, None]
    assert [(f.sample_index, said in f.what) for f in found.faults] == [(1, True)], found.faults


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("[1.0] * 5", "it gave 5 values for 2 completions"),
        ("[]", "it gave 0 values for 2 completions"),
        ("None", "it must return a list with one value a completion, not None"),
        ("0.5", "not 0.5"),
        ("(x for x in completions)", "not generator"),
        ("{'a': [1, 2, 3]}", "the part 'a' has 3 values for 2 completions"),
    ],
)
def test_a_wrong_count_is_refused(given: str, said: str) -> None:
    with Scorer(f"def reward(completions):\n    return {given}") as scorer:
        found = scorer.score(answers("a", "b"))
    assert found.values == [None, None]
    assert {f.kind for f in found.faults} == {"wrong_count"}
    assert said.replace("2 completions", "1 completions") in found.faults[0].what


def test_samples_that_are_left_out_are_found() -> None:
    found = score("def reward(completions):\n    return [1 for c in completions if c != 'x']", "a", "x", "b")
    assert found.values == [1.0, None, 1.0]
    assert [(f.kind, f.sample_index) for f in found.faults] == [("wrong_count", 1)]


CRASHES = {
    "a null pointer": ("import ctypes\ndef boom(): ctypes.string_at(0)", "SIGSEGV"),
    "an end without notice": ("import os\ndef boom(): os._exit(7)", "exit status 7"),
    "an abort": ("import os\ndef boom(): os.abort()", "signal SIG"),
    "recursion in C": (
        "import sys\nsys.setrecursionlimit(10**9)\ndef boom(): sorted([0], key=lambda _: boom())",
        "signal SIG",
    ),
}


@pytest.mark.parametrize("name", CRASHES)
def test_a_crash_ends_the_child_only(name: str) -> None:
    code, said = CRASHES[name]
    source = f"{code}\ndef reward(completions):\n    return [boom() if c == 'x' else int(c) for c in completions]"
    with Scorer(source) as scorer:
        found = scorer.score(answers("1", "x", "3"))
        assert found.values == [1.0, None, 3.0]
        assert [(f.kind, f.sample_index) for f in found.faults] == [("crashed", 1)]
        assert said in found.faults[0].what
        assert lived_on(scorer)


def test_a_crash_says_its_line() -> None:
    found = score("import ctypes\n\ndef reward(completions):\n    ctypes.string_at(0)", "a")
    assert found.faults[0].user_line == 4


def test_no_child_and_no_file_is_left_behind() -> None:
    with Scorer("import os\ndef reward(completions):\n    return [os.getpid()]") as scorer:
        pid = scorer.score(answers("a")).values[0]
        home = Path(f"/proc/{pid:.0f}/cwd").readlink().parent
        assert home.is_dir()
    assert not Path(f"/proc/{pid:.0f}").exists()
    assert not home.exists()
