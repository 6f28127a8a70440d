"""Which data sets the form of a run offers: prompts to runs that sample, completions to those that learn from them."""

from labapp.accounts.models import Team
from labapp.runs.form_data import Data
from labapp.runs.prechecks import data_version
from labapp.workshop.models import DataSet, DataVersion

SHOWN = 200  # versions that a choice shows of each kind


def reads_file(data: Data) -> bool:
    """Whether a form's run takes its completions from the rows of its prompts' file."""
    return bool(data.get("pool.on")) and data.get("pool.prompts", "").strip() == "0"


def data_sets(team: Team, data: Data) -> list[tuple[str, list[tuple[str, str]]]]:
    """(kind in words, options of a select) of the team's sets with confirmed columns that the form's run may take,
    newest first; what is chosen stands there although it is of another kind."""
    confirmed = DataVersion.objects.filter(dataset__team=team).exclude(file="").select_related("dataset")
    kinds = DataSet.STORED if reads_file(data) else (DataSet.PROMPTS,)
    found = {kind: list(confirmed.filter(dataset__kind=kind).order_by("-created")[:SHOWN]) for kind in kinds}
    address = data.get("prompts.dataset", "")
    if address and not any(one.reference == address for versions in found.values() for one in versions):
        other = data_version(team, address)
        if other is not None:
            found.setdefault(other.dataset.kind, []).append(other)
    return [(DataSet.HOLDS[kind], [_option(one) for one in versions]) for kind, versions in found.items() if versions]


def _option(one: DataVersion) -> tuple[str, str]:
    return one.reference, f"{one} · {one.rows:,} rows"
