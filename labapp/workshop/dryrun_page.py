"""A dry run as its template shows it: rows of tables with numbers as text, and data for the charts."""

from collections.abc import Mapping, Sequence
from typing import Any

from labapp.workshop.dryrun_findings import findings, slopes
from labapp.workshop.dryrun_tables import agreement, length, parts, probes
from labapp.workshop.dryrun_words import NOTHING, brief, fixed, number, signed
from labapp.workshop.dryruns import DryRun


def page(run: DryRun) -> dict[str, Any]:
    """What the template needs of a dry run that is ready."""
    told, samples = run.told, _samples(run)
    found = {"marks": _marks(told["faults"]), "whole": [one for one in told["faults"] if one["sample"] is None]}
    if told["error"]:
        return {**found, "error": told["error"]}
    summary = told["summary"]
    return {
        **found,
        "summary": {
            "count": len(told["values"]), "mean": number(summary["mean"]), "sd": number(summary["sd"]),
            "range": f"{number(summary['least'])} to {number(summary['most'])}", "failed": summary["failed"],
            "none": len(told["values"]) - summary["count"] - summary["failed"],
        },
        "findings": findings(told, no_ids=run.no_ids),
        "parts": parts(told["components"]), "agreement": agreement(told["agreement"]),
        "length": [length(one) for one in slopes(told)], "probes": probes(told["probes"]),
        "changes": _changes(told, samples),
        "highest": [samples[n] for n in told["extremes"]["highest"]],
        "lowest": [samples[n] for n in told["extremes"]["lowest"]],
        "failed": [one for one in samples if one["fault"]], "samples": samples, "names": list(told["parts"]),
        "charts": _charts(told, run.samples), "unlabelled": any(any(one["unlabelled"]) for one in told["histograms"]),
    }  # fmt: skip


def _marks(faults: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The editor's marks, one a line."""
    lines = {one["line"]: one["sentence"] for one in reversed(faults) if one["line"] is not None}
    return [{"line": line, "column": 1, "message": what} for line, what in sorted(lines.items())]


def _samples(run: DryRun) -> list[dict[str, Any]]:
    """Each sample with its value, the values of its components in order, and its failure."""
    faults = {one["sample"]: one for one in run.told["faults"]}
    columns, notes = list(run.told["parts"].values()), run.told["notes"]
    return [
        {**sample, "number": n + 1, "value": number(run.told["values"][n], 4), "fault": faults.get(n),
         "parts": [number(column[n]) for column in columns],
         "note": notes.get(str(n), ""), "brief": brief(sample["completion"]), "verdict": _verdict(sample["label"])}
        for n, sample in enumerate(run.samples) if n < len(run.told["values"])
    ]  # fmt: skip


def _verdict(label: Any) -> str:
    return "" if label is None else "right" if label == 1 else "wrong" if label == 0 else str(label)


def _changes(told: Mapping[str, Any], samples: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    found = told["changes"]
    if found is None or found["error"]:
        return None if found is None else dict(found)
    values, before = told["values"], found["before"]
    rows = [
        {**samples[n], "before": number(before[n], 4), "change": _change(values[n], before[n])}
        for n in found["largest"]
    ]  # fmt: skip
    return {**found, "rows": rows, "mean": signed(found["mean"]), "tau": fixed(found["tau"])}


def _change(now: float | None, before: float | None) -> str:
    return NOTHING if now is None or before is None else signed(now - before)


def _charts(told: Mapping[str, Any], samples: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the charts are drawn from: histograms, the points over length, dense rewards."""
    found = slopes(told)
    first = found[0] if found else None
    of = "letters" if first is None else first["of"]
    counts = told["counts"] if of == "tokens" else [len(sample["completion"]) for sample in samples]
    points = [
        {"length": counts[n], "value": value, "label": sample["label"], "number": n + 1}
        for n, (sample, value) in enumerate(zip(samples, told["values"], strict=False)) if value is not None
    ]  # fmt: skip
    line = None
    if first is not None:
        line = {"slope": (first["slope"]["value"] or 0) / first["per"], "intercept": first["intercept"]}
    return {"histograms": told["histograms"], "points": points, "line": line, "of": of, "dense": told["dense"]}
