"""Completions from a server: a real HTTP server that holds the tiny model's tokenizer, and every way it may fail."""

import io
import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.workers.engine.scripted import Answer, Script, ok, serving
from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.answers import CUT_OFF, FAILED, FINISHED, Problem
from workers.contract.catalogue import read_catalogue
from workers.contract.checking import troubles
from workers.contract.errors import RunError
from workers.contract.resources import Served, served_troubles
from workers.contract.spec import Pick, Pool, RewardPick
from workers.engine.learner import Learner, make_learner
from workers.engine.run import train
from workers.engine.served import roll_out_served
from workers.engine.tensors import Rollouts

PROBLEMS = [Problem("the cat 3+1=", "4"), Problem("the dog", "5")]
KEY = "MERIT_KEY_TEST"


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Learner:
    return make_learner(tiny_spec(tmp_path_factory.mktemp("served")), lambda *_: None)


def collect(learner: Learner, script: Script, siblings: int = 2, timeout: float = 10.0, key: str = "") -> Rollouts:
    with serving(script) as url:
        served = Served(url, "tiny", key, timeout)
        return roll_out_served(learner, served, PROBLEMS, siblings, "pool", 3, pause=0.01)


def test_it_works(learner: Learner) -> None:
    script = Script()
    made = collect(learner, script, siblings=3)
    tokenizer, end = learner.loaded.tokenizer, learner.loaded.ends[0]
    assert made.answers.texts == ("the cat 0", "the cat 1", "the cat 2") * 2
    assert made.answers.prompts == ("the cat 3+1=",) * 3 + ("the dog",) * 3
    assert made.answers.ends == (FINISHED,) * 6
    assert made.answers.columns["answer"] == ("4", "4", "4", "5", "5", "5")
    assert made.group_N.tolist() == [0, 0, 0, 1, 1, 1]
    for row in range(6):
        ids = made.token_NT[row][made.mask_NT[row]].tolist()
        assert ids == [*tokenizer(made.answers.texts[row])["input_ids"], end]
        assert len(ids) == made.answers.lengths[row]
        prompt = made.prompt_NL[row][made.prompt_mask_NL[row]].tolist()
        assert tokenizer.decode(prompt) == made.answers.prompts[row]
    assert float(made.logp_NT.abs().sum()) == float(made.streams["logp_known"].sum()) == 0, "the server told none"
    asked = sorted(script.asked, key=lambda body: body["prompt"])
    assert [body["prompt"] for body in asked] == ["the cat 3+1=", "the dog"]
    assert all(body["n"] == 3 and body["max_tokens"] == 8 and body["temperature"] == 1.0 for body in asked)
    assert script.keys == [None, None]


def test_the_same_seed_is_sent_again_and_another_purpose_has_others(learner: Learner) -> None:
    script = Script()
    with serving(script) as url:
        served = Served(url, "tiny")
        for purpose in ("pool", "pool", "evaluation"):
            roll_out_served(learner, served, PROBLEMS, 1, purpose, 3)
    first, second, other = ({b["seed"] for b in script.asked[n : n + 2]} for n in (0, 2, 4))
    assert first == second
    assert len(first | other) == 4
    assert all(0 <= seed < 2**31 for seed in first | other)


def always(choice: dict[str, Any], number: int) -> dict[str, Any]:
    return choice


def test_log_probabilities_are_taken_where_tokens_agree(learner: Learner) -> None:
    ids = learner.loaded.tokenizer("the cat sat")["input_ids"]
    pieces = learner.pieces.of(ids)
    assert len(pieces) > 2
    same = {"text": "the cat sat", "finish_reason": "length", "logprobs": {
        "tokens": pieces, "token_logprobs": [-0.5 - n for n in range(len(pieces))]}}  # fmt: skip
    made = collect(learner, Script(choose=lambda _: same), siblings=1)
    assert made.logp_NT[0].tolist() == [-0.5 - n for n in range(len(pieces))]
    assert made.streams["logp_known"][0].tolist() == [1.0] * len(pieces)
    other = {**same, "logprobs": {"tokens": [pieces[0], "xx", *pieces[2:]], "token_logprobs": [-1.0] * len(pieces)}}
    made = collect(learner, Script(choose=lambda _: other), siblings=1)
    assert made.logp_NT[0].tolist() == [-1.0] + [0.0] * (len(pieces) - 1)
    assert made.streams["logp_known"][0].tolist() == [1.0] + [0.0] * (len(pieces) - 1)
    for wrong in ([None], ["a"] * len(pieces), [float("nan")] * len(pieces), [0.5] * len(pieces)):
        odd = {**same, "logprobs": {"tokens": pieces, "token_logprobs": wrong}}
        made = collect(learner, Script(choose=partial(always, odd)), siblings=1)
        assert float(made.streams["logp_known"].sum()) == 0
        assert bool(made.logp_NT.isfinite().all())


@pytest.mark.parametrize(
    ("text", "reason", "end", "text_kept"),
    [
        ("the cat", "stop", FINISHED, "the cat"),
        ("", "stop", FINISHED, ""),
        ("the cat", "length", CUT_OFF, "the cat"),
        ("the cat", "content_filter", FAILED, "the cat"),
        ("the cat", None, FAILED, "the cat"),
        ("zqx" * 9, "stop", CUT_OFF, "zqxzqxzq"),
    ],
)
def test_how_a_completion_ended(learner: Learner, text: str, reason: str | None, end: str, text_kept: str) -> None:
    """The last row has no merges in this vocabulary: one token a letter, cut at the eight that the run allows."""
    made = collect(learner, Script(choose=lambda _: {"text": text, "finish_reason": reason}), siblings=1)
    assert made.answers.ends == (end, end)
    assert made.answers.texts[0] == text_kept
    last = made.token_NT[0][made.mask_NT[0]].tolist()[-1:]
    assert (last == [learner.loaded.ends[0]]) == (end == FINISHED)
    assert made.token_NT.shape[1] <= 8


def test_a_chat_prompt_is_sent_through_the_template(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("chat")
    spec = tiny_spec(folder)
    chatty = make_learner(replace(spec, model=replace(spec.model, chat=True)), lambda *_: None)
    script = Script()
    made = collect(chatty, script, siblings=1)
    assert {body["prompt"] for body in script.asked} == {
        "<|user|>the cat 3+1=<eos><|assistant|>", "<|user|>the dog<eos><|assistant|>"
    }  # fmt: skip
    assert made.answers.prompts == ("the cat 3+1=", "the dog")
    chatty.loaded.tokenizer.bos_token = "<|user|>"
    collect(chatty, script, siblings=1)
    assert script.asked[-1]["prompt"].startswith("the "), "the server puts its first token before every prompt"


def test_a_server_that_gives_one_at_a_time_is_asked_again(learner: Learner) -> None:
    script = Script(most=1)
    made = collect(learner, script, siblings=3)
    assert len(made.answers.texts) == 6
    seeds = [body["seed"] for body in script.asked]
    assert len(set(seeds)) == len(seeds) == 6, "each time with another seed, or it would say the same again"


def too_slow() -> Answer:
    time.sleep(0.6)
    return 200, b"{}", {}


@pytest.mark.parametrize(
    "failure",
    [
        lambda: (429, b"busy", {"Retry-After": "0"}),
        lambda: (503, b"starting", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        lambda: (500, b"oops", {"Retry-After": "nonsense"}),
        lambda: (200, b"", {"Content-Length": "5"}),
        too_slow,
    ],
    ids=["429", "503", "500", "broken off", "slow"],
)
def test_a_busy_or_slow_server_is_asked_again(learner: Learner, failure: Callable[[], Answer]) -> None:
    script = Script(failures=[failure, failure, failure])
    made = collect(learner, script, siblings=1, timeout=0.3)
    assert made.answers.texts == ("the cat 0", "the cat 0")
    assert len(script.asked) == 5


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ((200, b"<html>hello</html>", {}), "answered with what is no JSON: <html>hello"),
        ((200, b"\xff\xfe\xfa", {}), "no JSON"),
        (ok([1, 2]), "answered with no `choices`"),
        (ok({"choices": []}), "answered with no `choices`"),
        (ok({"choices": [{"message": {"content": "x"}}]}), "a choice without a `text`"),
        (ok({"choices": [{"text": 3}]}), "a choice without a `text`"),
        ((401, b'{"error": "bad key"}', {}), r"refused \(401\).*bad key.* Set the environment variable"),
        ((400, b'{"error": "n is too large"}', {}), r"refused \(400\).*n is too large"),
        ((302, b"", {"Location": "http://127.0.0.1:1/"}), r"refused \(302\)"),
    ],
)
def test_what_cannot_be_used_ends_the_collection(learner: Learner, answer: Answer, what: str) -> None:
    with pytest.raises(RunError, match=what) as caught:
        collect(learner, Script(failures=[lambda: answer] * 99), siblings=1)
    assert caught.value.where == "sampling"
    assert caught.value.evidence["model"] == "tiny"


def test_a_server_that_stays_busy_or_away_ends_it(learner: Learner) -> None:
    script = Script(failures=[lambda: (429, b"later", {})] * 99)
    with pytest.raises(RunError, match=r"no answer in 6 tries \(429 later\)") as caught:
        collect(learner, script, siblings=1)
    assert caught.value.where == "sampling"
    with serving(Script()) as url:
        pass  # its port is closed again
    with pytest.raises(RunError, match=r"no answer in 6 tries .*refused"):
        roll_out_served(learner, Served(url, "tiny"), PROBLEMS, 1, "pool", 0, pause=0.01)


def test_the_key_is_sent_and_never_told(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RunError, match=f"variable {KEY} with the server's key is not set"):
        collect(learner, Script(), key=KEY)
    monkeypatch.setenv(KEY, "secret-7")
    script = Script()
    collect(learner, script, siblings=1, key=KEY)
    assert script.keys == ["Bearer secret-7"] * 2
    with pytest.raises(RunError) as caught:
        collect(learner, Script(failures=[lambda: (403, b"no", {})] * 9), siblings=1, key=KEY)
    assert "secret-7" not in str(caught.value) + json.dumps(caught.value.evidence)


def test_no_other_variable_of_the_worker_can_be_sent(learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    script = Script()
    with pytest.raises(RunError, match="is not set"):
        collect(learner, script, key="DATABASE_URL")
    assert script.asked == []


@pytest.mark.parametrize(
    ("served", "path"),
    [
        (Served("file:///etc/passwd", "m"), "served.url"),
        (Served("http://", "m"), "served.url"),
        (Served("http://me:pass@host/v1", "m"), "served.url"),
        (Served("http://[bad", "m"), "served.url"),
        (Served("http://host/v1", ""), "served.model"),
        (Served("http://host/v1", "m", "DATABASE_URL"), "served.key_variable"),
        (Served("http://host/v1", "m", "", 0.0), "served.timeout"),
        (Served("http://host/v1", "m", "", float("nan")), "served.timeout"),
    ],
)
def test_a_server_that_cannot_be_is_found_in_the_spec(served: Served, path: str) -> None:
    assert [trouble.path for trouble in served_troubles(served)] == [path]


def test_a_sound_server_is_no_trouble() -> None:
    assert list(served_troubles(None)) == list(served_troubles(Served("https://host:8000/v1", "m", KEY))) == []


def test_a_run_measures_itself_against_the_served_model(tmp_path: Path) -> None:
    """Once, at step 0, on the held-out prompts of the policy; two processes ask once."""
    script = Script(choose=lambda _: {"text": "a", "finish_reason": "stop"})
    for devices in (1, 2):
        script.asked.clear()
        with serving(script) as url:
            low = RewardPick("low", "format", {"pattern": "a"})
            spec = tiny_spec(tmp_path, served=Served(url, "teacher"), rewards=(low,), devices=devices)
            assert troubles(spec, read_catalogue()) == []
            ledger = MemoryLedger(tmp_path / str(devices))
            train(replace(spec, budget=replace(spec.budget, steps=1)), ledger)
        assert ledger.curves()[0]["served/low"] == 1.0
        assert ledger.curves()[0]["heldout/low"] < 1.0
        assert "served/low" not in ledger.curves()[1]
        assert len(script.asked) == 4
        assert {body["model"] for body in script.asked} == {"teacher"}


def test_a_wrong_server_is_found_before_the_run(tmp_path: Path) -> None:
    wrong = tiny_spec(tmp_path, served=Served("nonsense", "m"))
    assert [trouble.path for trouble in troubles(wrong, read_catalogue())] == ["served.url"]


def test_a_stock_is_sampled_by_the_server(tmp_path: Path) -> None:
    """Pairs of what a teacher wrote: one good and one bad completion of each prompt, asked for in each round."""
    script = Script(choose=lambda number: {"text": "the cat"[: 7 - 4 * (number % 2)], "finish_reason": "stop"})
    with serving(script) as url:
        spec = tiny_spec(
            tmp_path, served=Served(url, "teacher"), rewards=(RewardPick("cat", "format", {"pattern": ".*cat"}),),
            objective=Pick("preferences", "dpo"), credit=None, regularisers=(), pool=Pool(6, 2, 2),
        )  # fmt: skip
        assert troubles(spec, read_catalogue()) == []
        ledger = MemoryLedger(tmp_path / "out")
        train(spec, ledger)
    assert len([body for body in script.asked if body["n"] == 2]) == 2 * 6
    for step in (1, 3):
        stored = pq.read_table(io.BytesIO(ledger.files[f"rollouts/step-{step:06d}.parquet"])).to_pylist()
        assert {row["completion"] for row in stored} == {"the cat", "the"}
        assert all(row["reward_total"] == float(row["completion"] == "the cat") for row in stored)
        assert all(sum(row["stream.logp"]) < 0 for row in stored), "this run's policy reads them"
    assert ledger.curves()[4]["preferences/margin"] > 0
