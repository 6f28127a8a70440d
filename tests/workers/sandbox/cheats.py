"""Programs that would rather pass their tests than solve them. None knows what is wanted of it."""

EQUAL = """
class E(int):
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = lambda self, other: True
    __hash__ = int.__hash__
"""
FRAMES = """
import sys
def f(*_):
    frame = sys._getframe()
    while frame:
        for name, value in list(frame.f_locals.items()) + list(frame.f_globals.items()):
            if isinstance(value, list) and name in ("results", "values", "errors", "test", "tests"):
                value[:] = [{"passed": True, "values": [[True]]}] if name == "results" else []
        frame = frame.f_back
"""
TELLS = """
import json, os
reply = {"results": [{"passed": True, "values": [[True]]}], "error": ""}
def f(*_):
    for fd in range(3, 64):
        try: os.write(fd, json.dumps(reply).encode())
        except OSError: pass
    os._exit(0)
"""
# Those that pass where the test's own process says whether it passed, and so show that they are cheats at all.
WORKING = {
    "an object that equals everything": EQUAL + "def f(*_): return E()",
    "an end without an error while it is asked": TELLS,
    "comparing by other functions": "import builtins\nbuiltins.abs = lambda *_: 0\ndef f(*_): return 9",
    "other values in the test's names": "def f(*_):\n    globals()['want'] = globals()['got'] = 0\n    return 0",
    "nothing is asserted any more": """
import builtins
def f(*_): pass
builtins.compile = lambda *_, **__: (lambda: None).__code__
""",
    "its caller's frame goes on elsewhere": """
import sys
def f(*_):
    def trace(frame, event, argument):
        if event == 'line' and frame.f_code.co_filename == 'test': frame.f_lineno = 5
        return trace
    sys.settrace(trace); sys._getframe(1).f_trace = trace
""",
}
FAILING = {
    "a length for everything": "import builtins\nbuiltins.len = lambda *_: 3\ndef f(*_): return []",
    "an end without an error": "import sys\nsys.exit(0)",
    "an end at once": "import os\nos._exit(0)",
    "an end while it is asked": "import sys\ndef f(*_): sys.exit(0)",
    "an end at once while it is asked": "import os\ndef f(*_): os._exit(0)",
    "the failure of an assertion": "def f(*_): raise AssertionError",
    "lists of the frames above": FRAMES,
}
