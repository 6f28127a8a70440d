"""What the editor of Python offers to complete: arguments that are passed, columns of the team's data, libraries."""

from labapp.accounts.models import Team
from labapp.workshop.models import DataVersion
from workers.contract.rewardforms import FORMS, GIVEN
from workers.sandbox.libraries import LIBRARIES

MOST_VERSIONS, MOST_COLUMNS = 100, 200
# Beside lists of texts, in a few words.
SAID = {
    "prompts": "list of texts",
    "completions": "list of texts",
    "completion_ids": "list of token ids, or None",
    "trainer_state": ".global_step, .max_steps",
    "log_extra": "log_extra(name, list)",
    "log_metric": "log_metric(name, number)",
    "data_source": "text, verl",
    "solution_str": "the completion, verl",
    "ground_truth": "the answer, verl",
    "extra_info": "dict of columns, verl",
    "queries": "prompt and completion, OpenRLHF",
    "labels": "the answers, OpenRLHF",
}
KEYS = {
    "start": "first letter of a part",
    "end": "letter behind a part",
    "step": "line, from 0",
    "value": "its value",
    "reward": "of a dict of components: the value, in the place of their sum",
}


def words(team: Team) -> list[dict[str, str]]:
    """{label, detail, kind} of every word; `kind` is argument, column, key or library."""
    given = dict.fromkeys(name for form in FORMS for name in GIVEN[form])
    found = [{"label": name, "detail": SAID[name], "kind": "argument"} for name in given]
    found += [{"label": name, "detail": "column", "kind": "column"} for name in _columns(team)]
    found += [{"label": name, "detail": detail, "kind": "key"} for name, detail in KEYS.items()]
    libraries = [name for name in LIBRARIES if not name.startswith("_")]
    return found + [{"label": name, "detail": "may be imported", "kind": "library"} for name in libraries]


def _columns(team: Team) -> list[str]:
    """The columns of the team's newest data, without those that cannot be arguments of a function."""
    versions = DataVersion.objects.filter(dataset__team=team).exclude(file="").order_by("-created")
    names = {"answer": None}
    for columns in versions.values_list("columns", flat=True)[:MOST_VERSIONS]:
        told = (str(one.get("name", "")) if isinstance(one, dict) else str(one) for one in columns)
        names |= dict.fromkeys(name for name in told if name.isidentifier())
    return list(names)[:MOST_COLUMNS]
