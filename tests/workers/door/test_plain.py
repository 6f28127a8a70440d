"""What PostgreSQL does not take is shown in another form, and nothing else is changed."""

import json
from math import inf, nan

from workers.door.plain import plain


def test_it_works() -> None:
    odd = {"a\x00": "x\x00y", "half": "\ud83d", "n": [nan, inf, 1.5, 0, True, None], "t": ("é",)}
    assert plain(odd) == {"a␀": "x␀y", "half": "?", "n": [None, None, 1.5, 0, True, None], "t": ["é"]}


def test_what_json_holds_stays_as_it_is() -> None:
    value = {"text": "Zwölf – 十二 🙂\n\t", "numbers": [1, -2.5, 1e300], "nothing": None, "yes": True}
    assert plain(value) == value
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == value
