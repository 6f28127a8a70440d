"""YAML as the lab reads and writes it."""

import re
from typing import Any

import yaml


class Reader(yaml.SafeLoader):
    """YAML as people mean it (the core schema of YAML 1.2): `1e-4` is a number, `no` and `2024-01-01` are text.

    A field named twice and references to other parts are refused: the first is a slip of the hand, and with the
    second a few lines could stand for gigabytes.
    """

    def compose_node(self, parent: Any, index: Any) -> Any:
        """The next node; a reference is refused with its place."""
        events: Any = self  # the parser half of the loader, which has no types
        if events.check_event(yaml.AliasEvent):
            mark = events.peek_event().start_mark
            raise yaml.MarkedYAMLError(None, None, "references (*name) are not read here", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """A mapping as a dict; a field given twice is refused with its place."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if key.value in seen:
                raise yaml.MarkedYAMLError(None, None, f"the field {key.value!r} is given twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


class Writer(yaml.SafeDumper):
    """Quotes every text that either reading of YAML, this one or the older, would take for something else. Code stands
    as it was written, line below line."""

    def text(self, text: str) -> yaml.ScalarNode:
        """Letters that YAML takes for line breaks need quotes, or they come back as other letters."""
        odd = any(letter in text for letter in "\x85\u2028\u2029\ufeff")
        style = '"' if odd else "|" if "\n" in text.strip("\n ") and "\t" not in text else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


Writer.add_representer(str, Writer.text)

Reader.yaml_implicit_resolvers = {}
Writer.yaml_implicit_resolvers = {first: list(known) for first, known in Writer.yaml_implicit_resolvers.items()}
for tag, pattern, firsts in (
    ("null", r"^(?:~|null|)$", ["~", "n", ""]),
    ("bool", r"^(?:true|false)$", list("tf")),
    ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
):
    for reader_or_writer in (Reader, Writer):
        reader_or_writer.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), firsts)
# PyYAML reads an integer with a leading zero as octal; here `010` is ten, as people mean it.
Reader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))
