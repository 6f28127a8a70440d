"""Which step a run goes on from: that of the newest checkpoint on this machine, the one that the engine will take."""

from labapp.runs import files


def newest_checkpoint(run_id: str) -> int:
    """The step of the newest sound checkpoint, 0 without any.

    When there are some and none is sound the newest one's step: the engine will refuse them all, and what was recorded
    up to there must not be forgotten for that.
    """
    from workers.engine.checkpoint import what_is_wrong

    places = sorted(files.checkpoint_directory(run_id).glob("step-" + "[0-9]" * 6), reverse=True)
    if not places:
        return 0
    taken = next((place for place in places if what_is_wrong(place) is None), places[0])
    return int(taken.name.removeprefix("step-"))
