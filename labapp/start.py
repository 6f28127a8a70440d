"""`python -m labapp.start`: the whole lab on one machine, from servers to sign-in link; Ctrl-C ends all of it."""

import errno
import os
import signal
import sys
import time
from types import FrameType

from labapp.lab import Lab, say
from labapp.places import Trouble
from labapp.preflight import ROOT, check_port, hold, ready_home
from labapp.supervise import end_leftovers


def end(number: int, frame: FrameType | None) -> None:
    """A signal to end becomes an orderly end, wherever we are."""
    raise KeyboardInterrupt


def run() -> int:
    """Start the lab and keep it running; 0 after an orderly end, 1 when it could not start."""
    begun = time.monotonic()
    home = ready_home()
    say(f"Merit · {home}")
    lock = hold(home)
    lab = Lab(home)
    try:
        if end_leftovers(home / "processes.json"):
            say("  processes of a lab that was killed were ended")
        check_port()
        lab.servers()
        link = lab.database()
        lab.processes()
        say(f"\nReady after {time.monotonic() - begun:.1f} s. Sign in once with this link; make link prints another:")
        say(f"\n  {link}\n")
        say("Ctrl-C stops everything.")
        lab.tend()
    except KeyboardInterrupt:
        say("\nStopping")
    finally:
        # A second Ctrl-C must not leave half of the processes behind.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        lab.stop()
        lock.close()
    return 0


def main() -> int:
    """The command: every failure that a person can mend is one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labapp.settings")
    os.chdir(ROOT)
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        return run()
    except Trouble as trouble:
        print(f"Merit cannot start: {trouble}", file=sys.stderr)
    except OSError as error:
        mend = "free some space, or set MERIT_HOME to another disk" if error.errno == errno.ENOSPC else "see above"
        print(f"Merit cannot start: {error.strerror or error} ({error.filename or 'no file'}): {mend}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
