"""Helpers of rewards that are asked again and again while somebody changes them: users' functions stay warm."""

from dataclasses import dataclass

from workers.engine.facilities import Facilities
from workers.engine.warm import Warm
from workers.sandbox import Scorer

WARM = 6  # functions kept in a process, each in a child of its own


@dataclass
class Keeping(Facilities):
    """Helpers whose scorers outlive them. What two owners ask shares no child, though its text be the same."""

    owner: str = ""

    def scorer(self, source: str) -> Scorer:
        """Who runs this function, warm if it was asked lately; SandboxFault where its text cannot be used."""
        return _kept.get(self.owner, source, lambda: _Kept(source))


class _Kept(Scorer):
    """One that is not ended by whoever has used it."""

    def close(self) -> None:
        """It stays."""

    def end(self) -> None:
        """End its child."""
        super().close()


_kept: Warm[_Kept] = Warm(WARM, _Kept.end)
