"""Each limit is reached for real: time, processor time, memory, output, results. And nothing outlives its call."""

import time

import pytest

from tests.workers.sandbox.attempts import answers
from workers.sandbox import Limits, SandboxFault, Scorer, Scores

QUICK = Limits(seconds=1.0, sample_seconds=0.2, output_bytes=50_000, reply_bytes=100_000, memory_bytes=1 << 28)
SOUND = "    return [work() if c == 'x' else int(c) for c in completions]\n"

ENDLESS = {
    "a loop in Python": "while True: pass",
    "a regular expression": "import re; re.match('(a+)+$', 'a' * 60 + 'b')",
    "a sum in C": "sum(range(10 ** 15))",
    "a number as text": "import sys; sys.set_int_max_str_digits(0); str(7 ** 10 ** 7)",
    "a power": "len(bin(3 ** 10 ** 9))",
    "a decimal number": "import decimal as d; d.getcontext().prec = 10 ** 7; d.Decimal(3) ** d.Decimal('0.5') ** 99",
    "an iterator in C": "import collections, itertools; collections.deque(itertools.count(), maxlen=0)",
    "a text as a number": "import sys; sys.set_int_max_str_digits(0); int('7' * 10 ** 7)",
    "a trace of every line": "import sys\n    def t(*_):\n        while True: pass\n    sys.settrace(t); (lambda: 0)()",
    "a storm of timers": "import signal as s; s.signal(s.SIGALRM, lambda *_: None); s.setitimer(0, 1e-6, 1e-6)\n"
    "    while True: pass",
    "an object that is never gone": "\n    class A:\n        def __del__(self): A()\n    A()\n    while True: A()",
    "sleep": "import time; time.sleep(1000)",
    "a lock": "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "deaf to signals": "import signal as s; [s.signal(n, s.SIG_IGN) for n in (2, 10, 14, 15)]\n    while True: pass",
    "every exception caught": "\n    while True:\n        try: 1 / 0\n        except BaseException: pass",
}


def run(work: str, *texts: str, limits: Limits = QUICK) -> tuple[Scores, Scores]:
    """The scores of a call, and of the next one with the same scorer."""
    source = f"def work():\n    {work}\n\ndef reward(completions):\n{SOUND}"
    with Scorer(source, limits) as scorer:
        return scorer.score(answers(*texts)), scorer.score(answers("1", "2"))


@pytest.mark.parametrize("name", ENDLESS)
def test_endless_work_is_stopped(name: str) -> None:
    began = time.monotonic()
    found, following = run(ENDLESS[name], "1", "x", "3")
    assert time.monotonic() - began < 5
    assert found.values == [1.0, None, 3.0]
    (fault,) = found.faults
    assert (fault.kind, fault.sample_index) == ("timeout", 1)
    assert "too slow: it took longer than 0.2 s" in fault.what
    if name != "deaf to signals":
        unasked = [None] if name == "a storm of timers" else []  # its signals may come before the one that asks
        assert fault.user_line in (2, 3, 4, 5, 6, 7, *unasked)
    assert following.values == [1.0, 2.0]


def test_endless_samples_do_not_take_endless_time() -> None:
    began = time.monotonic()
    found, _ = run("while True: pass", *["x"] * 50, "1")
    assert time.monotonic() - began < 5
    assert len(found.faults) == 51
    assert found.faults[-1].what.endswith("not tried alone")


def test_a_slow_module_is_stopped_when_the_child_starts() -> None:
    with (
        pytest.raises(SandboxFault) as caught,
        Scorer("while True: pass\ndef reward(completions): ...", Limits(start_seconds=0.5)),
    ):
        pass
    assert (caught.value.kind, caught.value.user_line) == ("timeout", 1)


def test_processor_time_is_bounded_whatever_the_clock_says() -> None:
    limits = Limits(seconds=20, sample_seconds=20, cpu_seconds=1)
    with Scorer("def reward(completions):\n    while True: pass", limits) as scorer:
        (fault,) = scorer.score(answers("a")).faults
    assert (fault.kind, "too slow: it used up its processor time (1 s)" in fault.what) == ("timeout", True)


def test_a_child_is_renewed_before_its_processor_time_is_used_up() -> None:
    source = "import os, time\ndef reward(completions):\n    time.sleep(0.6)\n    return [os.getpid()]"
    with Scorer(source, Limits(cpu_seconds=2)) as scorer:
        pids = [scorer.score(answers("a")).values[0] for _ in range(3)]
    assert pids[0] == pids[1] != pids[2]


@pytest.mark.parametrize(
    "work",
    [
        "return len(bytearray(1 << 40))",
        "return len([0] * 10 ** 9)",
        "\n    x = [b'x']\n    while True: x.append(x[-1] * 2)",
    ],
)
def test_memory_is_bounded(work: str) -> None:
    found, following = run(work, "1", "x", "3", limits=Limits(memory_bytes=1 << 28))
    assert found.values == [1.0, None, 3.0]
    (fault,) = found.faults
    assert (fault.kind, fault.sample_index) == ("memory", 1)
    assert "too big: it wanted more memory than the 256 MiB it may have" in fault.what
    assert fault.user_line in (2, 4)
    assert following.values == [1.0, 2.0]


@pytest.mark.parametrize("how", ["print('x' * 100)", "os.write(1, b'x' * 100)", "os.write(2, b'x' * 100)"])
def test_output_is_bounded(how: str) -> None:
    found, following = run(f"import os\n    while True: {how}", "1", "x", "3", limits=Limits(output_bytes=50_000))
    assert found.values == [1.0, None, 3.0]
    assert [(f.kind, f.sample_index) for f in found.faults] == [("output", 1)]
    assert "too loud: it printed more than 50,000 bytes" in found.faults[0].what
    assert len(found.output) <= 60_000
    assert following.values == [1.0, 2.0]


def test_results_are_bounded() -> None:
    found, following = run("return [0.5] * 100_000", "1", "x", "3")
    assert found.values == [1.0, None, 3.0]
    assert [(f.kind, f.sample_index) for f in found.faults] == [("output", 1)]
    assert "too big: its result is longer than 100,000 bytes" in found.faults[0].what
    assert following.values == [1.0, 2.0]


def test_open_files_are_bounded() -> None:
    found, _ = run("import os\n    while True: os.open('/dev/null', os.O_RDONLY)", "x")
    assert "Too many open files" in found.faults[0].what


# Written into every open pipe, in the shape of a reply: at once, or while the module is loaded.
FORGED = """
import json, os, struct

def forge(nonce="0" * 32):
    body = json.dumps({"nonce": nonce, "values": [100.0, 100.0]}).encode()
    for fd in range(3, 64):
        try:
            os.write(fd, struct.pack(">I", len(body)) + body)
        except OSError:
            pass
"""


def test_a_forged_result_is_refused() -> None:
    source = FORGED + "\ndef reward(completions):\n    forge()\n    return [0.0 for _ in completions]"
    with Scorer(source) as scorer:
        found = scorer.score(answers("a", "b"))
    assert found.values == [None, None]
    assert {f.kind for f in found.faults} == {"output"}
    assert "channel of its results" in found.faults[0].what


def test_a_result_for_a_call_to_come_is_refused() -> None:
    source = FORGED + "\ndef reward(completions):\n    return [0.0 for _ in completions]\nforge()"
    with pytest.raises(SandboxFault, match="channel of its results"), Scorer(source):
        pass


def test_answering_after_the_reply_does_not_reach_the_next_call() -> None:
    """A timer's handler runs between the calls and writes there, with the number of the call before."""
    source = (
        FORGED
        + """
import signal, sys

def reward(completions):
    frame = sys._getframe()
    while frame and "request" not in frame.f_locals:
        frame = frame.f_back
    nonce = frame.f_locals["request"]["nonce"]
    signal.signal(signal.SIGALRM, lambda *_: forge(nonce))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    return [0.0 for _ in completions]
"""
    )
    with Scorer(source) as scorer:
        assert scorer.score(answers("a", "b")).values == [0.0, 0.0]
        time.sleep(0.2)
        found = scorer.score(answers("a", "b"))
    assert 100.0 not in found.values
    assert {f.kind for f in found.faults} == {"output"}


def test_garbage_in_the_channel_is_refused() -> None:
    source = FORGED.replace("struct.pack", "b'\\0\\0\\0\\5hello' or struct.pack")
    source += "\ndef reward(completions):\n    forge()\n    return [1.0]"
    with Scorer(source) as scorer:
        assert {f.kind for f in scorer.score(answers("a")).faults} == {"output"}


def test_a_closed_channel_is_noticed() -> None:
    source = "import os, time\ndef reward(completions):\n    os.closerange(0, 64)\n    time.sleep(100)"
    with Scorer(source, QUICK) as scorer:
        assert {f.kind for f in scorer.score(answers("a")).faults} == {"crashed"}


def test_printing_in_the_shape_of_a_reply_is_only_printed() -> None:
    source = FORGED + "\ndef reward(completions):\n    print(json.dumps({'values': [9]}))\n    return [1.0]"
    with Scorer(source) as scorer:
        found = scorer.score(answers("a"))
    assert found.values == [1.0]
    assert found.output == '{"values": [9]}\n'


def test_nothing_runs_when_a_child_is_ended() -> None:
    source = "import atexit, time\ndef reward(completions):\n    atexit.register(time.sleep, 100)\n    return [1]"
    began = time.monotonic()
    with Scorer(source) as scorer:
        assert scorer.score(answers("a")).values == [1.0]
    assert time.monotonic() - began < 5


def test_an_interrupted_call_leaves_no_reply_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with Scorer("def reward(completions):\n    return [int(c) for c in completions]") as scorer:
        scorer.score(answers("1"))
        assert scorer._child is not None
        monkeypatch.setattr(scorer._child._channel, "listen", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            scorer.score(answers("2"))
        assert scorer.score(answers("3")).values == [3.0]
