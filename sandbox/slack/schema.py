"""Small checkers for JSON, put together into the rules of Block Kit (see `elements` and `limits`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from sandbox.slack.models import JSON


@dataclass(frozen=True)
class Problem:
    """One broken rule: where (a JSON pointer), a stable code, and Slack's words."""

    pointer: str
    code: str
    message: str

    def line(self) -> str:
        """The line as Slack puts it into `response_metadata.messages`."""
        return f"[ERROR] {self.message} [json-pointer:{self.pointer}]"


Check = Callable[[object, str], Iterator[Problem]]


@dataclass(frozen=True)
class Shape:
    """The fields of one kind of object, beside `type`; anything else is refused."""

    required: Mapping[str, Check]
    optional: Mapping[str, Check]
    extra: Callable[[JSON, str], Iterator[Problem]] | None = None


def string(longest: int, shortest: int = 1) -> Check:
    """A string of `shortest` to `longest` characters."""

    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield Problem(at, "invalid_type", "must be a string")
        elif len(value) > longest:
            yield Problem(at, "too_long", f"must be less than {longest + 1} characters")
        elif len(value) < shortest:
            yield Problem(at, "too_short", f"must be more than {shortest - 1} characters")

    return check


def web_address(longest: int = 3000) -> Check:
    """An http(s) address."""
    length = string(longest)

    def check(value: object, at: str) -> Iterator[Problem]:
        yield from length(value, at)
        if isinstance(value, str) and urlsplit(value).scheme not in {"http", "https", "mailto"}:
            yield Problem(at, "invalid_url", "must be a valid URL")

    return check


def boolean(value: object, at: str) -> Iterator[Problem]:
    """True or false."""
    if not isinstance(value, bool):
        yield Problem(at, "invalid_type", "must be a boolean")


def integer(lowest: int, highest: int) -> Check:
    """A whole number between two bounds."""

    def check(value: object, at: str) -> Iterator[Problem]:
        if isinstance(value, bool) or not isinstance(value, int):
            yield Problem(at, "invalid_type", "must be an integer")
        elif not lowest <= value <= highest:
            yield Problem(at, "out_of_range", f"must be between {lowest} and {highest}")

    return check


def one_of(*values: str) -> Check:
    """One of a few words."""

    def check(value: object, at: str) -> Iterator[Problem]:
        if value not in values:
            yield Problem(at, "invalid_value", f"must be one of: {', '.join(values)}")

    return check


def items(item: Check, most: int, least: int = 1) -> Check:
    """A list of `least` to `most` things that all pass `item`."""

    def check(value: object, at: str) -> Iterator[Problem]:
        if not isinstance(value, list):
            yield Problem(at, "invalid_type", "must be an array")
            return
        if len(value) > most:
            yield Problem(at, "too_many", f"no more than {most} items allowed")
        if len(value) < least:
            yield Problem(at, "too_few", f"no less than {least} items allowed")
        for index, entry in enumerate(value):
            yield from item(entry, f"{at}/{index}")

    return check


def typed(shapes: Mapping[str, Shape], allowed: Sequence[str] | None = None) -> Check:
    """An object whose `type` selects its shape, out of `allowed` (all, when None)."""

    def check(value: object, at: str) -> Iterator[Problem]:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(value, dict):
            yield Problem(at, "invalid_type", "must be an object")
        elif not isinstance(kind, str):
            yield Problem(at, "missing_field", "missing required field: type")
        elif kind not in shapes or (allowed is not None and kind not in allowed):
            yield Problem(f"{at}/type", "unsupported_type", f"unsupported type: {kind}")
        else:
            yield from _fields(value, at, shapes[kind], {"type"})

    return check


def record(shape: Shape) -> Check:
    """An object without a `type`."""

    def check(value: object, at: str) -> Iterator[Problem]:
        if isinstance(value, dict):
            yield from _fields(value, at, shape, set())
        else:
            yield Problem(at, "invalid_type", "must be an object")

    return check


def _fields(value: JSON, at: str, shape: Shape, known: set[str]) -> Iterator[Problem]:
    for name in shape.required:
        if value.get(name) is None:
            yield Problem(at, "missing_field", f"missing required field: {name}")
    for name, entry in value.items():
        check = shape.required.get(name) or shape.optional.get(name)
        if check is not None and entry is not None:
            yield from check(entry, f"{at}/{name}")
        elif check is None and name not in known:
            yield Problem(at, "additional_property", f"invalid additional property: {name}")
    if shape.extra is not None:
        yield from shape.extra(value, at)
