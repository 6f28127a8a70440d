"""An analysis that was made, as the texts of the form: to be changed a little and made again."""

from labapp.runs.filling import pick_texts, reward_texts
from labapp.workshop.analysis_form import OWN
from workers.contract.analysis import WORDS, AnalysisSpec
from workers.contract.catalogue import Catalogue

OFFERED = (WORDS, "starter")  # tokenizers that the form names itself


def filled(spec: AnalysisSpec, experiment: str, catalogue: Catalogue) -> dict[str, str]:
    """The form data that shows `spec`; saved rewards are there by name, their texts are looked up again."""
    offered = spec.tokenizer in OFFERED
    data = {"name": spec.name, "experiment": experiment, "dataset": spec.dataset}
    data |= {"tokenizer": spec.tokenizer if offered else OWN, "own_tokenizer": "" if offered else spec.tokenizer}
    for index, reward in enumerate(spec.rewards):
        data |= reward_texts(f"rewards.{index}", reward, catalogue)
    for credit in spec.credits:
        prefix = f"credit.{credit.name}"
        data |= {prefix: "on"} | pick_texts(prefix, credit, catalogue)
    return data
