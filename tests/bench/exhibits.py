"""Runs exhibits from the command line: `python -m tests.bench.exhibits credit/bnpo …` (none: all), three seeds an arm.

Prints each watched curve with its 95 % interval over seeds, and keeps every curve in `build/exhibits/`.
"""

import argparse
import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

from labapp.runs.guided import guided
from tests.workers.tiny import MemoryLedger
from workers.contract.catalogue import read_catalogue
from workers.contract.checking import troubles
from workers.contract.exhibits import ARMS, Verdict, better_way, judge, result, runs_of
from workers.contract.method import Method
from workers.contract.modelnames import renamed
from workers.contract.spec import RunSpec
from workers.engine.run import train

KEPT = Path("build/exhibits")
BASELINE, BASELINE_MODEL = "baseline", "run:baseline"  # the arm, and how a card names the model that it learned
Curves = dict[str, dict[int, float]]


def main() -> None:
    """Run the named exhibits, or all that the catalogue has."""
    reader = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    reader.add_argument("methods", nargs="*", help="kind/name; none for all")
    asked = reader.parse_args().methods
    catalogue = read_catalogue()
    found = [method for method in catalogue.methods.values() if method.card.exhibit is not None]
    for method in found:
        if not asked or method.address in asked:
            run_exhibit(method)


def run_exhibit(method: Method) -> None:
    """Both arms over all seeds, one run after the other."""
    exhibit, catalogue = method.card.exhibit, read_catalogue()
    assert exhibit is not None
    print(f"{method.address}: {exhibit.claim}", flush=True)
    curves: dict[str, dict[int, Curves]] = {}
    for arm, specs in runs_of(exhibit, guided(catalogue), method.name).items():
        for spec in specs:
            assert not (found := troubles(spec, catalogue)), found
            start = time.perf_counter()
            curves.setdefault(arm, {})[spec.seed] = trained(spec, method)
            print(f"  {arm} {spec.seed}: {time.perf_counter() - start:.0f} s", flush=True)
    KEPT.mkdir(parents=True, exist_ok=True)
    (KEPT / f"{method.kind}-{method.name}.json").write_text(json.dumps(curves))
    for curve in exhibit.watch:
        sides = [{seed: end for seed, one in curves[arm].items() if (end := result(one.get(curve, {}))) is not None}
                 for arm in ARMS]  # fmt: skip
        verdict = judge(curve, sides[0], sides[1], better_way(exhibit, curve))
        print(f"  {curve}: not measured" if verdict is None else f"  {sentence(verdict)}", flush=True)


def trained(spec: RunSpec, method: Method) -> Curves:
    """One run's curves by name and step. Its last checkpoint stays, for arms that take the baseline's model."""
    folder = KEPT / "models" / f"{method.kind}-{method.name}"
    ledger = MemoryLedger(folder / str(spec.seed) / (BASELINE if f" {BASELINE} " in spec.name else "other"))
    shutil.rmtree(ledger.folder, ignore_errors=True)
    own = folder / str(spec.seed) / BASELINE / "checkpoints" / f"step-{spec.budget.steps:06d}"
    asked = renamed(spec, read_catalogue(), lambda path, name: str(own.resolve()) if name == BASELINE_MODEL else name)
    train(replace(asked, budget=replace(spec.budget, checkpoint_every=0)), ledger)
    made: Curves = {}
    for event in ledger.kind("metrics"):
        for name, value in event.data["values"].items():
            made.setdefault(name, {})[event.step] = value
    return made


def sentence(verdict: Verdict) -> str:
    """A verdict in figures."""
    one, other, gap = verdict.baseline, verdict.variant, verdict.difference
    ends = "" if gap.low is None else f" [{gap.low:+.4f}, {gap.high:+.4f}]"
    words = {True: "appears", False: "the other way round", None: "not told by these seeds"}[verdict.appears]
    return f"{verdict.curve}: {one.mean:.4f} against {other.mean:.4f}, difference {gap.mean:+.4f}{ends}: {words}"


if __name__ == "__main__":
    main()
