"""The engine without any web: `python -m workers train | methods | analyse`."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workers import documents
from workers.cli_ledger import DirectoryLedger
from workers.contract import analysis, catalogue, checking
from workers.contract.errors import RunError, Stopped, Trouble
from workers.contract.kinds import KINDS
from workers.contract.method import Method, MethodError
from workers.contract.modelnames import OF_RUN, runs_named
from workers.contract.spec import Pick, RewardPick, RunSpec, SpecError

WRONG, STOPPED = 1, 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit status: 0 done, 1 went wrong (one line on standard error says what), 130 stopped."""
    chosen = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = chosen.run
    try:
        run(chosen)
    except Stopped:
        print("Stopped. Go on with --resume.", file=sys.stderr)
        return STOPPED
    except (RunError, SpecError, MethodError) as error:
        print(error, file=sys.stderr)
        return WRONG
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser("train", help="train a run from its document")
    train.add_argument("spec", type=Path, help="the run's document, JSON or YAML")
    train.add_argument("--out", type=Path, required=True, help="directory for events, rollouts and checkpoints")
    train.add_argument("--resume", action="store_true", help="go on from the newest checkpoint in --out")
    train.set_defaults(run=_train)
    methods = commands.add_parser("methods", help="list the methods")
    methods.add_argument("--json", action="store_true", help="everything that the files say, as JSON")
    methods.set_defaults(run=_methods)
    analyse = commands.add_parser("analyse", help="score recorded completions, without training")
    analyse.add_argument("file", type=Path, help="JSONL of prompt, completion, group?, answer?, label?, columns?")
    analyse.add_argument("--out", type=Path, required=True, help="directory for the result")
    analyse.add_argument("--reward", action="append", required=True, metavar="NAME[=JSON]", help="may be repeated")
    analyse.add_argument("--credit", action="append", default=[], metavar="NAME[=JSON]", help="may be repeated")
    analyse.add_argument("--tokenizer", default=analysis.WORDS, help="words, a starter, a hub id or a directory")
    analyse.set_defaults(run=_analyse)
    return parser


def _train(chosen: argparse.Namespace) -> None:
    spec = read_spec(chosen.spec)
    known = catalogue.read_catalogue()
    _refuse([*checking.troubles(spec, known), *_of_runs(spec, known)])
    if spec.prompts.dataset:
        raise RunError("spec", "the document names an uploaded data set.", "Give prompts.path, a JSONL file, instead.")
    # Imported only now: listing methods or refusing a document must not wait for torch.
    from workers.cli_show import showing
    from workers.engine.run import train

    with showing(spec.budget.steps) as tell:
        ledger = DirectoryLedger(chosen.out, tell, resume=chosen.resume)
        _record(ledger, lambda: train(spec, ledger, resume=chosen.resume))


def _analyse(chosen: argparse.Namespace) -> None:
    picks = [_named(text) for text in chosen.reward]
    spec = analysis.AnalysisSpec(
        name=chosen.file.stem,
        rewards=tuple(RewardPick(name, name, params) for name, params in picks),
        credits=tuple(Pick("credit", name, params) for name, params in map(_named, chosen.credit)),
        path=str(chosen.file),
        tokenizer=chosen.tokenizer,
    )
    known = catalogue.read_catalogue()
    _refuse([*analysis.troubles(spec, known), *_of_runs(spec, known)])
    from workers.cli_show import showing
    from workers.engine.offline import analyse

    with showing(0) as tell:
        ledger = DirectoryLedger(chosen.out, tell)
        _record(ledger, lambda: analyse(spec, ledger))


def _of_runs(spec: RunSpec | analysis.AnalysisSpec, known: catalogue.Catalogue) -> list[Trouble]:
    """Models that only a lab can find: there is no database here."""
    where = "a lab finds what that run learned, the command line does not: give the directory of its checkpoint"
    return [
        Trouble(path, f"{where}, checkpoints/{name.removeprefix(OF_RUN)}/step-… in the lab's home")
        for path, name in runs_named(spec, known)
    ]


def _record(ledger: DirectoryLedger, work: Callable[[], None]) -> None:
    """Do the work with its moves written down, as the web side would."""
    ledger.stop_on_interrupt()
    ledger.state("running")
    try:
        work()
    except RunError as error:
        ledger.state("failed", error)
        raise
    except Stopped:
        ledger.state("stopped")
        raise
    ledger.state("done")


def _methods(chosen: argparse.Namespace) -> None:
    found = catalogue.read_catalogue()
    if chosen.json:
        print(json.dumps([_described(method) for method in found.methods.values()], indent=2, ensure_ascii=False))
        return
    for kind in KINDS.values():
        print(f"{kind.name}: {kind.words}")
        for method in found.of(kind.name):
            print(f"  {method.name:<18} {method.card.title}. {method.purpose}")


def _described(method: Method) -> dict[str, Any]:
    params = [
        {"name": p.name, "words": p.words, "default": p.default, "limit": type(p.limit).__name__, **vars(p.limit)}
        for p in method.params
    ]
    return {
        "kind": method.kind, "name": method.name, "title": method.card.title, "purpose": method.purpose,
        "formula": method.card.formula, "needs": method.needs, "params": params, "digest": method.digest,
        "source": vars(method.card.source), "relatives": method.card.relatives,
    }  # fmt: skip


def read_spec(path: Path) -> RunSpec:
    """The run's document from a JSON or YAML file; RunError says what is wrong with it, and in which line."""
    try:
        return documents.read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError("spec", f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise RunError("spec", f"{path} is no text in UTF-8: {error}") from error
    except documents.DocumentError as error:
        raise RunError("spec", f"{path}, {error}") from None


def _named(text: str) -> tuple[str, dict[str, Any]]:
    """A method's name and parameters from `name` or `name={"parameter": value}`."""
    name, mark, params = text.partition("=")
    try:
        return name, json.loads(params) if mark else {}
    except json.JSONDecodeError as error:
        raise RunError("spec", f"the parameters of {name} are not JSON: {error.msg}.") from error


def _refuse(troubles: list[Trouble]) -> None:
    if troubles:
        raise SpecError("\n".join(f"{trouble.path}: {trouble.what}" for trouble in troubles))


if __name__ == "__main__":
    sys.exit(main())
