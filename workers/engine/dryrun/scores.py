"""What a reward said, before anything is made of it: values, components, and failures with the lines of users' code."""

from typing import Any

from workers.engine.dryrun.judging import Judged


def scores(judged: Judged) -> dict[str, Any]:
    """`{error, values, faults, output, parts, notes, seconds, warm}`; notes by the index as text, as JSON has it."""
    return {
        "error": judged.error, "values": list(judged.values.total), "faults": _faults(judged), "output": judged.output,
        "parts": {name: list(column) for name, column in judged.values.parts.items()},
        "notes": {str(n): note for n, note in sorted(judged.values.notes.items())},
        "seconds": judged.seconds, "warm": judged.warm,
    }  # fmt: skip


def _faults(judged: Judged) -> list[dict[str, Any]]:
    """{sample, sentence, line, trace} of each failed sample, and of what failed as a whole (`sample` None)."""
    lines = {fault.sample_index: fault for fault in reversed(judged.faults)}
    told = dict(judged.values.faults)
    told |= {n: fault.what for n, fault in lines.items() if n is not None and n not in told}
    whole = [fault for fault in judged.faults if fault.sample_index is None]
    found = [
        {"sample": None, "sentence": one.what, "line": one.user_line, "trace": one.traceback_text} for one in whole
    ]
    for n, what in sorted(told.items()):
        line, trace = (lines[n].user_line, lines[n].traceback_text) if n in lines else (None, "")
        found.append({"sample": n, "sentence": what, "line": line, "trace": trace})
    return found
