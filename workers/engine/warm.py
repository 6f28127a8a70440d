"""What stays ready from one question to the next: a few of a kind, the one not asked for longest goes first."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Warm(Generic[T]):
    """At most `most` things by key, each ended by `end` when it goes."""

    def __init__(self, most: int, end: Callable[[T], None]) -> None:
        self._most, self._end = most, end
        self._kept: OrderedDict[tuple[str, str], T] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: tuple[str, str]) -> bool:
        return key in self._kept

    def get(self, owner: str, what: str, make: Callable[[], T]) -> T:
        """What `owner` keeps as `what`, made where it is not there. Two owners share nothing, though `what` be the
        same: users' code that stays in a child may remember what it was shown."""
        key = (owner, what)
        if key not in self._kept:
            self._kept[key] = make()
            if len(self._kept) > self._most:
                self._end(self._kept.popitem(last=False)[1])
        self._kept.move_to_end(key)
        return self._kept[key]

    def clear(self) -> None:
        """End all of them."""
        while self._kept:
            self._end(self._kept.popitem()[1])
