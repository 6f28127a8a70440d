"""Memory of the forker in which pieces and replies lie: what is forked does not have it, not even what was there once.

Objects of Python would be copied with each fork, and what was freed of them stays in memory that anybody can read who
is inside. So nothing of a piece becomes an object here: it goes from pipe to pipe through these maps.
"""

import mmap
import os


class Apart:
    """A map of at most `size` bytes that is not forked (`shown`: that is forked, as a copy)."""

    def __init__(self, size: int, shown: bool = False) -> None:
        self._map = mmap.mmap(-1, max(size, 1), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        if not shown:
            self._map.madvise(mmap.MADV_DONTFORK)
        self.view = memoryview(self._map)

    def read(self, fd: int, start: int, end: int) -> int:
        """Read from a descriptor into a part of it; how many bytes came, 0 at the end."""
        return os.readv(fd, [self.view[start:end]])

    def fill(self, fd: int, size: int) -> None:
        """Read exactly so many bytes into its beginning. EOFError: there are fewer."""
        start = 0
        while start < size:
            count = self.read(fd, start, size)
            if count == 0:
                raise EOFError
            start += count

    def write(self, fd: int, start: int, end: int) -> None:
        """Write a part of it."""
        while start < end:
            start += os.write(fd, self.view[start:end])

    def wipe(self) -> None:
        """Make all of it nought again."""
        self._map.madvise(mmap.MADV_DONTNEED)
