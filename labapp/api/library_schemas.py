"""The records of methods, as the OpenAPI page describes them."""

from typing import Any

from ninja import Schema


class ParamOut(Schema):
    """One parameter of a method."""

    name: str
    words: str
    limit: str
    default: Any


class MethodRow(Schema):
    """A method of the library in one line; `address` is `kind/name`."""

    address: str
    kind: str
    name: str
    title: str
    purpose: str
    digest: str


class MethodOut(MethodRow):
    """A method with its formula (LaTeX), parameters, needs, relatives, source and code."""

    formula: str
    symbols: dict[str, str]
    params: list[ParamOut]
    needs: list[str]
    relatives: list[str]
    source: dict[str, str]
    doubts: str
    code: str


class Methods(Schema):
    """All methods, and one digest of all their files."""

    digest: str
    methods: list[MethodRow]
