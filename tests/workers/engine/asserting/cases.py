"""Tests of programs, with a program that passes and one that does not; and tests that would cost a careless reader."""

ADDS, WRONG = "def f(x):\n    return x + 1", "def f(x):\n    return 7"
LISTS, PAIRS = "def f(n):\n    return list(range(n))", "def f(n):\n    return {n: (n, {n})}"
SORTS = "def f(a):\n    a.sort()"
# test: a program that passes it, and one that does not
APART: dict[str, tuple[str, str]] = {
    "assert f(2) == 3": (ADDS, WRONG),
    "assert 3 == f(2), 'what it says'": (ADDS, WRONG),
    "assert f(2) != 7": (ADDS, WRONG),
    "assert 2 < f(2) <= 3": (ADDS, WRONG),
    "assert f(2) in (3, 4) and f(3) not in {7}": (ADDS, WRONG),
    "assert f(2) == 7 or f(3) == 4": (ADDS, "def f(x):\n    return 8"),
    "assert not f(-1)": (ADDS, WRONG),
    "assert f(2)": (ADDS, "def f(x):\n    return []"),
    "assert f(2) is None": ("def f(x): pass", WRONG),
    "assert f(2) is not None": (ADDS, "def f(x): pass"),
    "assert (f(1), f(2)) == (2, 3)": (ADDS, WRONG),
    "assert f(2) - f(1) == 1": (ADDS, WRONG),
    "assert math.fabs(f(2) - 3) < 1e-6": (ADDS, WRONG),
    "assert len(f(3)) > 2": (LISTS, "def f(n):\n    return []"),
    "assert f(2) is not None and not f(2) is None": ("class N: pass\ndef f(x):\n    return N()", "def f(x): pass"),
    "assert abs(f(2) - 3.0000001) < 1e-6": (ADDS, WRONG),
    "assert f(2) == pytest.approx(3)": ("def f(x):\n    return x + 1 + 1e-9", WRONG),
    "assert math.isclose(f(2), 3, rel_tol=1e-6)": ("def f(x):\n    return x + 1 + 1e-9", WRONG),
    "assert np.allclose(f(2), [0, 1])": (LISTS, "def f(n):\n    return [1, 1]"),
    "assert f(0) == float('inf')": ("def f(x):\n    return float('inf')", WRONG),
    "assert round(f(2), 2) == 3.33": ("def f(x):\n    return 3.3333", WRONG),
    "assert sorted(f(3)) == [0, 1, 2]": ("def f(n):\n    yield from (2, 0, 1)", "def f(n):\n    return [2]"),
    "assert set(f(3)) == {0, 1, 2} and len(f(3)) == 3": (LISTS, "def f(n):\n    return [0, 1, 2, 2]"),
    "assert len(set(f(3))) == len(f(3))": (LISTS, "def f(n):\n    return [1, 1]"),
    "assert sum(f(3)) == 3 and max(f(3)) == 2": (LISTS, "def f(n):\n    return [3]"),
    "assert isinstance(f(2), list) and type(f(1)) is list": (LISTS, ADDS),
    "assert all(f(x) == y for x, y in [(1, 2), (2, 3)])": (ADDS, "def f(x):\n    return 2"),
    "assert any(f(x) == 3 for x in range(3))": (ADDS, WRONG),
    "assert all(x < 3 for x in f(3))": (LISTS, "def f(n):\n    return [1, 5]"),
    "assert [f(x) for x in (1, 2)] == [2, 3]": (ADDS, WRONG),
    "assert f(2)[2] == (2, {2})": (PAIRS, "def f(n):\n    return {2: [2, {2}]}"),
    "assert f(2) == {2: (2, {2})}": (PAIRS, "def f(n):\n    return {}"),
    "assert f('a').startswith('b')": ("def f(x):\n    return 'bc'", "def f(x):\n    return 'cb'"),
    "assert f(2) == b'x' or f(2) == 1j": ("def f(x):\n    return 1j", WRONG),
    "x = 5\ny = f(x)\nassert y == x + 1": (ADDS, WRONG),
    "a = [3, 1]\nf(a)\nassert a == [1, 3]": (SORTS, "def f(a):\n    pass"),
    "want = [0, 1]\nassert f(2) == want": (LISTS, "def f(n):\n    return [5]"),
    "for x in range(3):\n    y = x + 1\n    assert f(x) == y": (ADDS, "def f(x):\n    return 1"),
    "def check(g):\n    'text'\n    assert g(1) == 2\n    assert g(2) == 3\ncheck(f)": (ADDS, WRONG),
    "s = S()\ns.push(4)\nassert s.pop() == 4 and not s.items": (
        "class S:\n    def __init__(self): self.items = []\n    def push(self, x): self.items.append(x)\n"
        "    def pop(self): return self.items.pop()",
        "class S:\n    def push(self, x): self.items = [5]\n    def pop(self): return self.items.pop()",
    ),
    "assert sum([1, 2], 1) == 9": ("def sum(x, y):\n    return 9", "def sum(x, y):\n    return 4"),
}  # fmt: skip
TRUSTING = (
    "assert f(f(2)) == f(3)", "from fractions import Fraction\nassert Fraction(f(2), 1) == Fraction(3, 1)",
    "class V:\n    def __contains__(self, x): return f(x) == 3\nv = V()\nassert 2 in v and f(2) > f(1)",
    "assert (y := f(2)) == 3", "try:\n    f('x')\nexcept TypeError:\n    pass\nelse:\n    assert False",
    "if f(2):\n    assert f(2) == 3", "while True:\n    assert f(2) == 3\n    break", "f(2)",
    "import re\nassert re.match('3', str(f(2)))",
    "assert callable(f)",
    "def g():\n    assert f(2) == 3\n    return 1\nx = g()",
)  # fmt: skip
BOMBS = (
    "assert f(2) == 10 ** 10 ** 10", "assert f(2) == 'a' * 10 ** 12", "assert f(2) * [0] == [0]",
    "assert f(2) ** f(2) == 1", "assert list(range(f(2))) == f(3)", "assert all(f(x) == 1 for x in range(10 ** 9))",
    "assert f(2) == sum(range(10 ** 12))", "for x in range(10 ** 9):\n    assert f(x) == 1",
    "assert round(f(2), -f(2)) == f(2)", "assert " + "(" * 300 + "f(1)" + ")" * 300,
    "assert " + "-" * 50_000 + "f(1) == 1", "assert f(1) == " + "[" * 150 + "]" * 150,
    "assert math.factorial(f(2)) == f(3)", "assert " + " * ".join(["10 ** 9000"] * 99) + " == f(2)",
    "a = 10 ** 9\n" + "\n".join(["a = a * a"] * 60) + "\nassert f(2) == a",
    "a = 'x' * 99\n" + "\n".join(["a = a + a"] * 60) + "\nassert f(2) == a",
    "for a in range(999):\n for b in range(999):\n  for c in range(999):\n   for d in []:\n    assert f(a) == b",
)  # fmt: skip
