"""The tables of a dry run: components, agreement with labels, length and probes, with numbers as text."""

from collections.abc import Mapping
from typing import Any

from labapp.workshop.dryrun_probed import TITLES
from labapp.workshop.dryrun_words import NOTHING, fixed, interval, number, share, signed, visible

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


def parts(components: Mapping[str, Any]) -> dict[str, Any]:
    """The table of components: a row each with its share as a bar, and its correlations with all."""
    rows = components["rows"]
    return {
        "adds_up": components["adds_up"], "names": [row["name"] for row in rows],
        "deep": any(row["depth"] > 1 for row in rows),
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


def agreement(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The agreement with labels: a row a figure, with its place and its interval's as hundredths of a line."""
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


def length(found: Mapping[str, Any]) -> dict[str, str]:
    """A slope over length in words."""
    slope = found["slope"]
    r = found["r"]
    between = "" if slope["low"] is None else f"{signed(slope['low'])} to {signed(slope['high'])}"
    return {"slope": signed(slope["value"]), "interval": between, "per": f"{found['per']:,}", "of": found["of"],
            "r": fixed(r), "explained": share(None if r is None else r * r)}  # fmt: skip


def probes(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A row a kind of probe, those first that should be looked at, and who stands for honest work."""
    if found is None:
        return None
    rows = [
        {**row, "title": TITLES[row["name"]], "data": STATES[row["state"]], "said": SAID[row["state"]],
         "median": number(row["median"]), "score": number(row["score"]), "number": row["sample"] + 1,
         "text": visible(row["text"]),
         "above_of": f"{row['above']} of {row['count']}",
         "quantile": NOTHING if row["quantile"] is None else share(row["quantile"])}
        for row in found["rows"]
    ]  # fmt: skip
    order = ("beats", "failed", "equals", "unscored", "below")
    return {"rows": sorted(rows, key=lambda row: order.index(row["state"])), "median": number(found["median"]),
            "count": found["count"], "honest": HONEST[found["told_by"]], "error": found["error"]}  # fmt: skip
