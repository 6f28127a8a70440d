"""What stays ready: a few, the one not asked for longest goes first, and two owners share nothing."""

from functools import partial

from workers.engine.warm import Warm


def test_the_one_not_asked_for_longest_goes_first() -> None:
    ended: list[str] = []
    warm: Warm[str] = Warm(2, ended.append)
    for what in ("a", "b", "a", "c"):
        assert warm.get("me", what, partial(str, what)) == what
    assert ended == ["b"]
    assert ("me", "a") in warm
    warm.clear()
    assert sorted(ended) == ["a", "b", "c"]
    assert len(warm) == 0


def test_two_owners_share_nothing() -> None:
    warm: Warm[object] = Warm(4, lambda one: None)
    mine = warm.get("me", "a", object)
    assert warm.get("me", "a", object) is mine
    assert warm.get("you", "a", object) is not mine
