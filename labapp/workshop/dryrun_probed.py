"""What stands out of the probes of a dry run, in words."""

from collections.abc import Iterator, Mapping
from typing import Any

from labapp.workshop.dryrun_words import Finding, number

LONGEST_FAULT = 160  # letters of it beside the names of probes; their evidence has all
TITLES = {
    "empty": "Empty text",
    "very long": "Very long text",
    "prompt repeated": "The prompt, repeated",
    "answer many times": "The right answer, many times",
    "answer alone": "The answer without reasoning",
    "strange characters": "Unicode and control characters",
    "truncated": "Truncated text",
    "hedged": "Many answers, hedged",
}


def probed(told: Mapping[str, Any]) -> Iterator[Finding]:
    """Cheap texts that beat honest completions, those that make the reward fail, and those that earn as much."""
    probes = told["probes"]
    if probes is None:
        return
    by_state: dict[str, list[Mapping[str, Any]]] = {}
    for row in probes["rows"]:
        by_state.setdefault(row["state"], []).append(row)
    beats, median = by_state.get("beats", []), number(probes["median"])
    if len(beats) == 1:
        title = TITLES[beats[0]["name"]]
        what = f"{title} beats honest completions: {number(beats[0]['median'])} against a median of {median}."
        yield Finding("bad", what, "probes")
    elif beats:
        each = ", ".join(f"{TITLES[row['name']].lower()} ({number(row['median'])})" for row in beats)
        what = f"{len(beats)} kinds of cheap text beat honest completions, whose median is {median}: {each}."
        yield Finding("bad", what, "probes")
    failed = by_state.get("failed", [])
    if failed:
        names = ", ".join(TITLES[row["name"]].lower() for row in failed)
        fault = failed[0]["fault"][:LONGEST_FAULT]
        yield Finding("warn", f"It fails on {names}{', the first with' if len(failed) > 1 else ''}: {fault}", "probes")
    if by_state.get("equals"):
        names = ", ".join(TITLES[row["name"]].lower() for row in by_state["equals"])
        yield Finding("warn", f"As much as honest completions ({median}) earn: {names}.", "probes")
