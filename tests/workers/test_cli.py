"""The command line: trains, resumes, lists and analyses without any web, and says in one line what is wrong."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.workers.tiny import tiny_spec
from workers.__main__ import main, read_spec
from workers.cli_ledger import EVENTS, DirectoryLedger, read_events
from workers.contract.catalogue import read_catalogue
from workers.contract.errors import RunError, Stopped
from workers.contract.events import Event
from workers.contract.fold import empty, fold
from workers.contract.spec import Budget, Model, RewardPick, RunSpec, to_dict, to_json
from workers.documents import as_yaml


def written(tmp_path: Path, spec: RunSpec, name: str = "spec.json") -> Path:
    path = tmp_path / name
    document = to_dict(spec)
    path.write_text(yaml.safe_dump(document) if name.endswith("yaml") else json.dumps(document))
    return path


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("name", ["spec.json", "spec.yaml"])
def test_it_works(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    path = written(tmp_path, tiny_spec(tmp_path), name)
    assert main(["train", str(path), "--out", str(tmp_path / "out")]) == 0
    told = lines(capsys.readouterr().out)
    assert told == read_events(tmp_path / "out")
    assert [row["seq"] for row in told] == list(range(1, len(told) + 1))
    view = fold(empty(), told)
    assert (view["state"], view["step"]) == ("done", 4)
    assert sorted(path.name for path in (tmp_path / "out" / "rollouts").iterdir()) == [
        f"step-{n:06d}.parquet" for n in (1, 2, 3, 4)
    ]
    assert (tmp_path / "out" / "checkpoints" / "step-000004" / "manifest.json").exists()


def test_resume_goes_on_where_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tiny_spec(tmp_path)
    half = written(tmp_path, replace(spec, budget=replace(spec.budget, steps=2)), "half.json")
    whole = written(tmp_path, spec)
    out = ["--out", str(tmp_path / "out")]
    assert main(["train", str(half), *out]) == 0
    assert main(["train", str(whole), *out]) == 1, "a directory that holds a run is not written over"
    assert "--resume" in capsys.readouterr().err
    assert main(["train", str(whole), *out, "--resume"]) == 0
    assert main(["train", str(whole), "--out", str(tmp_path / "other")]) == 0
    parts, other = (fold(empty(), read_events(tmp_path / name)) for name in ("out", "other"))
    for name in ("loss", "reward/total", "kl", "heldout/short"):
        assert parts["metrics"][name] == other["metrics"][name]
    assert parts["attempt"] == 2


def test_control_c_stops_after_the_step_with_a_checkpoint(tmp_path: Path) -> None:
    spec = tiny_spec(tmp_path, budget=Budget(steps=2000, eval_every=0, checkpoint_every=0))
    command = [sys.executable, "-m", "workers", "train", str(written(tmp_path, spec)), "--out", str(tmp_path / "out")]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    for line in child.stdout:
        if json.loads(line)["kind"] == "metrics":
            child.send_signal(signal.SIGINT)
            break
    _, error = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "--resume" in error
    told = read_events(tmp_path / "out")
    assert told[-1]["data"]["state"] == "stopped"
    last = max(row["step"] for row in told if row["kind"] == "metrics")
    assert [path.name for path in (tmp_path / "out" / "checkpoints").iterdir()] == [f"step-{last:06d}"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name: [", "not YAML"),
        ("{}", "missing name"),
        ("- 1", "a mapping is needed"),
    ],
)
def test_a_bad_document_is_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, what: str
) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    assert main(["train", str(path), "--out", str(tmp_path / "out")]) == 1
    assert what in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_small_numbers_are_read_as_people_and_json_write_them(tmp_path: Path) -> None:
    """`json.dumps(0.00006)` is `6e-05`, which the older YAML takes for text."""
    spec = tiny_spec(tmp_path)
    spec = replace(spec, optimiser=replace(spec.optimiser, learning_rate=6e-05))
    path = tmp_path / "spec.json"
    path.write_text(to_json(spec))
    assert "6e-05" in path.read_text()
    assert read_spec(path) == spec
    path.write_text(as_yaml(spec).replace("6.0e-05", "6e-5"))
    assert "6e-5" in path.read_text()
    assert read_spec(path) == spec


def test_a_missing_file_and_an_impossible_spec_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(tmp_path / "none.json"), "--out", str(tmp_path / "out")]) == 1
    assert "cannot be read" in capsys.readouterr().err
    path = written(tmp_path, tiny_spec(tmp_path, siblings=0))
    assert main(["train", str(path), "--out", str(tmp_path / "out")]) == 1
    assert "siblings: must be at least 1" in capsys.readouterr().err


def test_a_failure_is_recorded_with_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tiny_spec(tmp_path, max_new_tokens=200)
    assert main(["train", str(written(tmp_path, spec)), "--out", str(tmp_path / "out")]) == 1
    last = read_events(tmp_path / "out")[-1]["data"]
    assert (last["state"], last["reason"]["where"]) == ("failed", "data")
    assert last["reason"]["evidence"]["prompt"]
    assert last["reason"]["what"] in capsys.readouterr().err


def test_methods_are_listed_without_torch() -> None:
    program = (
        "import sys; from workers.__main__ import main; main(['methods', '--json'])\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    listed = json.loads(done.stdout)
    assert {f"{m['kind']}/{m['name']}" for m in listed} == set(read_catalogue().methods)
    clip = next(m for m in listed if m["name"] == "ppo_clip")
    assert clip["needs"] == ["now", "was", "advantage_NT"]
    assert clip["params"][0] == {
        "name": "eps_low", "words": clip["params"][0]["words"], "default": 0.2, "limit": "Real", "low": 0, "high": 1,
        "open_low": False, "open_high": False,
    }  # fmt: skip


def test_methods_can_be_read_by_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods"]) == 0
    text = capsys.readouterr().out
    for method in read_catalogue().methods.values():
        assert method.card.title in text


def test_recorded_completions_are_analysed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.jsonl"
    row = {"prompt": "1+1=", "answer": "2", "label": True}
    path.write_text("".join(json.dumps(row | {"completion": f"#{n}"}) + "\n" for n in (2, 3)))
    arguments = ["analyse", str(path), "--out", str(tmp_path / "out"), "--reward", "exact_answer"]
    assert main([*arguments, "--reward", 'brevity={"zero_from": 8}', "--credit", "grpo"]) == 0
    values = next(row for row in lines(capsys.readouterr().out) if row["kind"] == "metrics")["data"]["values"]
    assert values["reward/exact_answer"] == values["agreement/exact_answer"] == 0.5
    assert values["reward/brevity"] == 0.75  # two tokens of eight
    assert main([*arguments[:-1], "no_such", "--out", str(tmp_path / "b")]) == 1
    assert "no rewards method" in capsys.readouterr().err
    assert main([*arguments[:-1], "brevity={", "--out", str(tmp_path / "b")]) == 1
    assert "not JSON" in capsys.readouterr().err


def test_a_power_cut_in_the_middle_of_a_line_is_mended(tmp_path: Path) -> None:
    ledger = DirectoryLedger(tmp_path, lambda row: None)
    ledger.write([Event(0, "note", {"text": "one"})])
    with (tmp_path / EVENTS).open("a") as file:
        file.write('{"seq": 2, "att')
    again = DirectoryLedger(tmp_path, lambda row: None, resume=True)
    again.write([Event(0, "note", {"text": "two"})])
    assert [row["seq"] for row in read_events(tmp_path)] == [1, 2]
    assert [row["attempt"] for row in read_events(tmp_path)] == [1, 2]


def test_the_ledger_stores_before_it_stops(tmp_path: Path) -> None:
    ledger = DirectoryLedger(tmp_path, lambda row: None)
    ledger.stop_asked = True
    with pytest.raises(Stopped):
        ledger.write([Event(1, "note", {"text": "kept"})])
    assert len(read_events(tmp_path)) == 1
    with pytest.raises(RunError, match="holds a run already"):
        DirectoryLedger(tmp_path, lambda row: None)


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = DirectoryLedger(tmp_path, lambda row: None)
    ledger.save("rollouts/a.parquet", b"one")
    monkeypatch.setattr(Path, "rename", lambda self, other: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        ledger.save("rollouts/a.parquet", b"two")
    assert [path.read_bytes() for path in (tmp_path / "rollouts").iterdir()] == [b"one"]


@pytest.mark.parametrize("change", ["model", "reward"])
def test_what_a_run_of_a_lab_learned_is_named_by_its_directory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    """There is no database to find it in; nothing is loaded, and nothing is asked of the hub."""
    rewards = (RewardPick("read", "flr", {"name": "run:3b24"}),)
    changes: dict[str, Any] = {"model": {"model": Model("run:3b24")}, "reward": {"rewards": rewards}}
    path = written(tmp_path, tiny_spec(tmp_path, **changes[change]))
    assert main(["train", str(path), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert said.startswith({"model": "model.name: ", "reward": "rewards.0.params.name: "}[change])
    assert "give the directory of its checkpoint, checkpoints/3b24/step-…" in said
    assert not (tmp_path / "out").exists()
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"prompt": "a", "completion": "b"}\n')
    out = ["--out", str(tmp_path / "out"), "--reward", "brevity"]
    assert main(["analyse", str(rows), *out, "--tokenizer", "run:3b24"]) == 1
    assert "tokenizer: a lab finds what that run learned" in capsys.readouterr().err
