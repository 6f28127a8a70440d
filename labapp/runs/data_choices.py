"""Which data sets the form of a run offers: prompts to runs that sample, completions to those that learn from them."""

from labapp.accounts.models import Team
from labapp.runs.form_data import Data
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
    if address and not any(reference(one) == address for versions in found.values() for one in versions):
        number, _, version = address.partition("@")
        whole = number.isdecimal() and version.isdecimal() and len(number) < 19 and len(version) < 10
        other = confirmed.filter(dataset_id=int(number), number=int(version)).first() if whole else None
        if other is not None:
            found.setdefault(other.dataset.kind, []).append(other)
    return [(DataSet.HOLDS[kind], [_option(one) for one in versions]) for kind, versions in found.items() if versions]


def _option(one: DataVersion) -> tuple[str, str]:
    return reference(one), f"{one} · {one.rows:,} rows"


def reference(one: DataVersion) -> str:
    """What names a version in a run's document."""
    return f"{one.dataset_id}@{one.number}"
