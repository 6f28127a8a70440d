"""What stands out in a dry run, the worst first: each a sentence with its state and where to look."""

from collections.abc import Iterator, Mapping
from typing import Any

from labapp.workshop.dryrun_probed import probed
from labapp.workshop.dryrun_words import Finding, fixed, interval, many, number, share, signed

DOMINANT, AGAINST, SATURATED = 0.9, -0.02, 0.9  # shares of variance, and of completions at the highest value
LENGTH_MATTERS = 0.1  # of the variance that length explains
UNSURE = 0.4  # an interval of the AUC around one half that is wider than this says nothing
ORDER = ("bad", "warn", "ok")


def findings(told: Mapping[str, Any], *, no_ids: bool = False) -> list[Finding]:
    """Everything that stands out; where nothing does, that. `no_ids`: it asked for ids of tokens and was given None."""
    makers = (_failed, probed, _spread, _parts, _length, _labels)
    found = [one for maker in makers for one in maker(told)]
    if no_ids and told["summary"]["failed"]:
        what = "completion_ids is None here, where nothing cuts texts into tokens: choose a tokenizer at “length in”."
        found.append(Finding("warn", what, "failed"))
    if not any(one.state != "ok" for one in found):
        found.append(
            Finding("ok", "Nothing stands out: no probe reaches honest work, and length buys nothing.", "probes")
        )
    return sorted(found, key=lambda one: ORDER.index(one.state))


def _failed(told: Mapping[str, Any]) -> Iterator[Finding]:
    failed = told["summary"]["failed"]
    if failed:
        first = told["faults"][0]
        what = f"It failed on {failed} of {many(len(told['values']), 'completion')}: {first['sentence']}"
        yield Finding("bad", what, "failed")


def _spread(told: Mapping[str, Any]) -> Iterator[Finding]:
    summary = told["summary"]
    if not summary["count"] and not summary["failed"]:
        yield Finding("bad", "It gave None for every completion: it applies to none of them.", "extremes")
    if summary["count"] > 1 and summary["distinct"] == 1:
        yield Finding(
            "bad", f"Every completion earns the same ({number(summary['most'])}): nothing can be learned.", "values"
        )
        return
    values = [value for value in told["values"] if value is not None]
    top = sum(value == summary["most"] for value in values) / len(values) if values else 0.0
    if top >= SATURATED and len(values) > 1:
        yield Finding(
            "warn", f"{share(top)} of the completions earn the most ({number(summary['most'])}) already.", "values"
        )


def _parts(told: Mapping[str, Any]) -> Iterator[Finding]:
    parts = [row for row in told["components"]["rows"] if row["depth"] == 1 and row["share"] is not None]
    if told["components"]["adds_up"] and len(parts) > 1:
        first = max(parts, key=lambda row: row["share"])
        if first["share"] >= DOMINANT:
            what = f"{first['name']} makes {share(first['share'])} of the variance: the others hardly matter."
            yield Finding("warn", what, "parts")
        for row in parts:
            if row["share"] < AGAINST:
                yield Finding(
                    "warn", f"{row['name']} works against the total ({share(row['share'])} of its variance).", "parts"
                )


def slopes(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What length buys, in tokens before letters where both are known."""
    return [one for one in (told["tokens"], told["length"]) if one is not None]


def _length(told: Mapping[str, Any]) -> Iterator[Finding]:
    found = slopes(told)
    if not found:
        return
    length = found[0]
    if length["r"] is None or length["slope"]["low"] is None:
        return
    slope = length["slope"]
    if slope["low"] * slope["high"] > 0 and length["r"] ** 2 >= LENGTH_MATTERS:
        how = "more" if slope["value"] > 0 else "less"
        rise = f"{signed(slope['value'])} per {length['per']:,} {length['of']}, r = {fixed(length['r'])}"
        yield Finding("warn", f"Longer completions earn {how}: {rise}.", "length")


def _labels(told: Mapping[str, Any]) -> Iterator[Finding]:
    agreement = told["agreement"]
    if agreement is None or agreement["auc"]["low"] is None:
        return
    auc = agreement["auc"]
    figures = f"AUC {fixed(auc['value'])} ({interval(auc)})"
    if auc["low"] > 0.5:
        yield Finding("ok", f"It tells right from wrong: {figures}.", "agreement")
    elif auc["high"] >= 0.5 and auc["high"] - auc["low"] > UNSURE:
        what = f"{many(agreement['count'], 'labelled completion')} do not show whether it tells right from wrong"
        yield Finding("warn", f"{what}: {figures}.", "agreement")
    else:
        how = "says the opposite of the labels" if auc["high"] < 0.5 else "does not tell right from wrong"
        yield Finding("bad", f"It {how}: {figures}.", "agreement")
