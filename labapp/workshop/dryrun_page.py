"""A dry run as its template shows it: rows of tables with numbers as text, and data for the charts."""

from collections.abc import Mapping, Sequence
from typing import Any

from labapp.workshop.dryrun_findings import TITLES, findings
from labapp.workshop.dryrun_words import NOTHING, fixed, interval, number, share, signed
from labapp.workshop.dryruns import DryRun

BAR = 100  # hundredths of a bar's place
# What stands for honest work, by how it was told from the rest.
HONEST = {
    "label": "those labelled right",
    "answer": "no labels here, so those that say the reference answer",
    "length": "neither labels nor answers here, so the longer half of them",
}
STATES = {"beats": "bad", "equals": "warn", "below": "ok", "failed": "warn", "unscored": "draft"}
SAID = {
    "beats": "beats honest", "equals": "as much as honest", "below": "below honest", "failed": "fails",
    "unscored": "no value",
}  # fmt: skip


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
        "findings": findings(told), "parts": _parts(told["components"]), "agreement": _agreement(told["agreement"]),
        "length": _length(told["length"]), "probes": _probes(told["probes"]), "changes": _changes(told, samples),
        "highest": [samples[n] for n in told["extremes"]["highest"]],
        "lowest": [samples[n] for n in told["extremes"]["lowest"]],
        "failed": [one for one in samples if one["fault"]], "samples": samples, "names": list(told["parts"]),
        "charts": _charts(told, run.samples),
    }  # fmt: skip


def _marks(faults: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The editor's marks, one a line."""
    lines = {one["line"]: one["sentence"] for one in reversed(faults) if one["line"] is not None}
    return [{"line": line, "column": 1, "message": what} for line, what in sorted(lines.items())]


def _samples(run: DryRun) -> list[dict[str, Any]]:
    """Each sample with its value, the values of its components in order, and its failure."""
    faults = {one["sample"]: one for one in run.told["faults"]}
    parts = list(run.told["parts"].values())
    return [
        {**sample, "number": n + 1, "value": number(run.told["values"][n], 4), "fault": faults.get(n),
         "parts": [number(part[n]) for part in parts], "verdict": _verdict(sample["label"])}
        for n, sample in enumerate(run.samples) if n < len(run.told["values"])
    ]  # fmt: skip


def _verdict(label: Any) -> str:
    return "" if label is None else "right" if label == 1 else "wrong" if label == 0 else str(label)


def _parts(components: Mapping[str, Any]) -> dict[str, Any]:
    """The table of components: a row each with its share as a bar, and its correlations with all."""
    rows = components["rows"]
    return {
        "adds_up": components["adds_up"], "names": [row["name"] for row in rows],
        "rows": [
            {"name": row["name"], "indent": max(0, row["depth"] - 1), "total": row["depth"] == 0, "place": place,
             "count": row["count"], "mean": number(row["mean"]), "sd": number(row["sd"]), "share": share(row["share"]),
             "bar": min(BAR, abs(round(BAR * (row["share"] or 0)))), "against": (row["share"] or 0) < 0,
             "correlations": [_tinted(value) for value in components["correlations"][place]]}
            for place, row in enumerate(rows)
        ],
    }  # fmt: skip


def _tinted(value: float | None) -> dict[str, Any]:
    return {"text": fixed(value), "tint": abs(round(BAR * (value or 0))), "negative": (value or 0) < 0}


def _agreement(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    best = number(found["best"]["threshold"])
    rows = [
        (f"Accuracy at {number(found['threshold'])}", "accuracy"),
        (f"Accuracy at the best threshold, {best}", "best"),
        ("AUC", "auc"),
        ("Kendall’s τ-b", "tau"),
    ]
    figures = [
        {"name": name, "value": fixed(found[key]["value"]), "interval": interval(found[key]),
         **_line(found[key], -1.0 if key == "tau" else 0.0)}
        for name, key in rows
    ]  # fmt: skip
    return {"rows": figures, "count": found["count"], "right": found["right"], "unit": found["unit"]}


def _line(figure: Mapping[str, Any], least: float) -> dict[str, float]:
    """Where a figure and its interval lie between `least` and 1, in hundredths."""
    at, low, high = (
        0.0 if figure[name] is None else BAR * (figure[name] - least) / (1 - least) for name in ("value", "low", "high")
    )
    return {"at": round(at, 1), "from": round(low, 1), "wide": round(high - low, 1)}


def _length(found: Mapping[str, Any] | None) -> dict[str, str] | None:
    if found is None:
        return None
    slope = found["slope"]
    r = found["r"]
    between = "" if slope["low"] is None else f"{signed(slope['low'])} to {signed(slope['high'])}"
    return {"slope": signed(slope["value"]), "interval": between, "per": f"{found['per']:,}", "r": fixed(r),
            "explained": share(None if r is None else r * r)}  # fmt: skip


def _probes(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    rows = [
        {**row, "title": TITLES[row["name"]], "data": STATES[row["state"]], "said": SAID[row["state"]],
         "median": number(row["median"]), "score": number(row["score"]), "number": row["sample"] + 1,
         "above_of": f"{row['above']} of {row['count']}",
         "quantile": NOTHING if row["quantile"] is None else share(row["quantile"])}
        for row in found["rows"]
    ]  # fmt: skip
    order = ("beats", "failed", "equals", "unscored", "below")
    return {"rows": sorted(rows, key=lambda row: order.index(row["state"])), "median": number(found["median"]),
            "count": found["count"], "honest": HONEST[found["told_by"]], "error": found["error"]}  # fmt: skip


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
    points = [
        {"letters": len(sample["completion"]), "value": value, "label": sample["label"], "number": n + 1}
        for n, (sample, value) in enumerate(zip(samples, told["values"], strict=False)) if value is not None
    ]  # fmt: skip
    line = None
    if told["length"] is not None:
        line = {
            "slope": (told["length"]["slope"]["value"] or 0) / told["length"]["per"],
            "intercept": told["length"]["intercept"],
        }
    return {"histograms": told["histograms"], "points": points, "line": line, "dense": told["dense"]}
