"""Counterfactual replay for the page of a run: another reward on the completions that a run stored."""

from collections.abc import Mapping, Sequence
from typing import Any

from labapp.runs import files
from workers.contract.errors import RunError
from workers.contract.spec import SpecError, from_dict
from workers.door.plain import plain
from workers.door.taken import reward_of


def replay_stored(
    stored: Sequence[tuple[int, str]], question: Mapping[str, Any], owner: str = "", own: str = ""
) -> dict[str, Any]:
    """`{error}` with a sentence, or what `replay_report.report` tells of the steps in `stored` (number, file) under
    the reward of `question` (the fields of `replay.Question`, reward and run as documents). The caller vouches that
    whoever asked, of the team with the key `owner`, may see them; `own` is the run's number where it is its own reward,
    which asks the models that the run began with."""
    # Not before somebody asks: the sweep loads this file too.
    from workers.engine.replay import Question, replay
    from workers.engine.replay_report import report

    try:
        node = reward_of(question["node"], owner, own)
        places = dict(stored)
        spec = from_dict(question["spec"]) if question.get("spec") else None
        asked = Question(**{**question, "node": node, "spec": spec})
        made: dict[str, Any] = report(*replay(list(places), lambda step: files.read(places[step]), asked))
    except FileNotFoundError as error:
        return {"error": f"A file of the run is gone from storage: {error.filename}"}
    except RunError as error:
        return {"error": error.sentence()}
    except SpecError as error:
        return {"error": f"This lab cannot read the reward: {error}"}
    told: dict[str, Any] = plain({"error": "", **made})
    return told
