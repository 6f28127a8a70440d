"""The processes of a lab: which they are, and what each is told."""

import os
import sys
from pathlib import Path

from labapp.preflight import HOST, PORT, ROOT
from labapp.supervise import Child


def children(home: Path) -> list[Child]:
    """The processes of the lab; the web comes first."""
    python, log = sys.executable, home / "log"
    cores = os.cpu_count() or 1
    shared = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "labapp.settings",
        "MERIT_HOME": str(home),
        "PYTHONUNBUFFERED": "1",
    }
    shared["PYTHONPATH"] = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    # One core stays with web and database: with all of them taken by OpenMP everything gets several times slower.
    train = {"OMP_NUM_THREADS": str(max(1, cores - 1)), **shared}
    quick = {"OMP_NUM_THREADS": "1", **shared}
    web = [python, "-m", "uvicorn", "labapp.asgi:application", "--loop", "asyncio", "--host", HOST, "--port", PORT]
    web += ["--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3"]
    beat = [python, "-m", "workers.door.worker", "light"]  # the beat, and the sweep that it calls
    return [
        Child("web", web, {**shared, "MERIT_PROCESS": "web"}, log / "web.log"),
        Child("train worker", [python, "-m", "workers.door.worker", "train"], train, log / "train.log"),
        Child("quick worker", [python, "-m", "workers.door.worker", "quick"], quick, log / "quick.log"),
        Child("beat", beat, shared, log / "beat.log"),
    ]
