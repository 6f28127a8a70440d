"""The web process: it starts in a moment and never holds torch."""

import json
import subprocess
import sys
import time

from tests import lab_process
from tests.conftest import Servers

LOAD = """
import sys, json, time
begun = time.monotonic()
import labapp.asgi
from django.urls import get_resolver
count = len(get_resolver().url_patterns)  # every room is imported, not only the ones asked for
heavy = [name for name in ("torch", "transformers", "datasets", "math_verify", "sympy") if name in sys.modules]
early = [name for name in ("numpy", "moocore", "pyarrow.parquet") if name in sys.modules]
inside = sorted(name for name in sys.modules if name.startswith(("workers.engine", "workers.door")))
seconds = time.monotonic() - begun
print(json.dumps({"seconds": seconds, "heavy": heavy, "inside": inside, "early": early, "count": count}))
"""


def test_it_starts_without_torch_and_in_a_moment(servers: Servers) -> None:
    environment = lab_process.environment_of(
        servers.home, 8000, DJANGO_SETTINGS_MODULE="labapp.settings", MERIT_PROCESS="web"
    )
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=lab_process.ROOT, env=environment, capture_output=True, text=True, check=True
    )
    whole = time.monotonic() - begun
    told = json.loads(done.stdout)
    assert told["heavy"] == []
    assert told["inside"] == []
    assert len(told["early"]) == 3, "loaded before requests can race to load them, which leaves numpy half imported"
    assert told["count"] > 5
    assert whole < 6, f"{whole:.1f} s, of which {told['seconds']:.1f} s imports"  # 2 s on a quiet machine
