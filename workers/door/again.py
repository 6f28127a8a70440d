"""Counterfactual replay for the page of a run: another reward on the completions that a run stored."""

from collections.abc import Mapping, Sequence
from typing import Any

from labapp.runs import files
from workers.contract.errors import RunError
from workers.contract.rewardnode import Node
from workers.contract.spec import SpecError, build
from workers.door.plain import plain


def replay_stored(stored: Sequence[tuple[int, str]], question: Mapping[str, Any]) -> dict[str, Any]:
    """`{error}` with a sentence, or what `replay_report.report` tells of the steps in `stored` (number, file) under
    the reward of `question` (the fields of `replay.Question`). The caller vouches that whoever asked may see them."""
    # Not before somebody asks: the sweep loads this file too.
    from workers.engine.replay import Question, replay
    from workers.engine.replay_report import report

    try:
        node = build(Node, question["node"], "reward")
        places = dict(stored)
        asked = Question(**{**question, "node": node})
        made: dict[str, Any] = report(*replay(list(places), lambda step: files.read(places[step]), asked))
    except FileNotFoundError as error:
        return {"error": f"A file of the run is gone from storage: {error.filename}"}
    except RunError as error:
        return {"error": error.sentence()}
    except SpecError as error:
        return {"error": f"This lab cannot read the reward: {error}"}
    told: dict[str, Any] = plain({"error": "", **made})
    return told
