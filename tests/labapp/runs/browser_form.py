"""The new-run page as a browser sees it: the form's fields with their values, and how they are sent."""

from html.parser import HTMLParser
from typing import Any

from django.test import Client

from labapp import shelf
from labapp.runs.fields import parse
from workers.contract.spec import RunSpec

NEW = "/runs/new/"


class Form(HTMLParser):
    """What a browser would send: the names and values of the fields of the page's form `newrun`."""

    def __init__(self, html: str, whole: bool = True) -> None:
        super().__init__()
        self.data: dict[str, str] = {}
        self.inside, self.select, self.area = not whole, "", ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = dict(attrs)
        name = of.get("name") or ""
        if tag == "form":
            self.inside = of.get("id") == "newrun"
        if not self.inside or "disabled" in of:
            return
        if tag == "input" and (of.get("type") not in ("radio", "checkbox") or "checked" in of):
            self.data[name] = of.get("value") or ("on" if of.get("type") == "checkbox" else "")
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and ("selected" in of or self.select not in self.data):
            self.data[self.select] = of.get("value") or ""
        elif tag == "textarea":
            self.area, self.data[name] = name, ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        self.select = "" if tag == "select" else self.select
        if tag == "textarea":
            self.data[self.area] = self.data[self.area].removeprefix("\n")  # browsers drop the first line break
            self.area = ""

    def handle_data(self, data: str) -> None:
        if self.area:
            self.data[self.area] += data


def page(client: Client, address: str = NEW) -> Form:
    response = client.get(address)
    assert response.status_code == 200, response.content
    return Form(response.content.decode())


def send(client: Client, data: dict[str, str], do: str, **more: str) -> Any:
    headers = {} if do == "launch" else {"HX-Request": "true"}
    return client.post(NEW, data | {"do": do} | more, headers=headers)


def spec_of(form: Form) -> RunSpec:
    return parse(form.data, shelf.catalogue(), {}).spec
