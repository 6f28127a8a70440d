"""Helpers of rewards that are asked again and again while somebody changes them: users' functions stay warm."""

from collections import OrderedDict
from dataclasses import dataclass

from workers.engine.facilities import Facilities
from workers.sandbox import Scorer

WARM = 6  # functions kept in a process, each in a child of its own

_kept: "OrderedDict[tuple[str, str], _Kept]" = OrderedDict()


@dataclass
class Keeping(Facilities):
    """Helpers whose scorers outlive them. What two owners ask shares no child, though its text be the same."""

    owner: str = ""

    def scorer(self, source: str) -> Scorer:
        """Who runs this function, warm if it was asked lately; SandboxFault where its text cannot be used."""
        key = (self.owner, source)
        if key not in _kept:
            _kept[key] = _Kept(source)
            if len(_kept) > WARM:
                _kept.popitem(last=False)[1].end()
        _kept.move_to_end(key)
        return _kept[key]


class _Kept(Scorer):
    """One that is not ended by whoever has used it."""

    def close(self) -> None:
        """It stays."""

    def end(self) -> None:
        """End its child."""
        super().close()
