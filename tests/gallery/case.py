"""One picture of the gallery, and one row of the tests: a name, and what makes the payload."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.messages.message import Message


@dataclass(frozen=True, slots=True)
class Page:
    """A web page: the template that it was made of, and its HTML."""

    template: str
    html: str


Payload = Message | Mapping[str, object] | Page
Builder = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Case:
    """`name` is "topic/what is special". `ugly`: it holds what people typed at their worst, so that only the
    rules that hold for any words are asked of it."""

    name: str
    builder: Builder
    args: tuple[Any, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    ugly: bool = False

    @property
    def topic(self) -> str:
        return self.name.partition("/")[0]

    def make(self) -> Payload:
        """The payload. Words alone are sent as a message of nothing else."""
        made = self.builder(*self.args, **self.values)
        if isinstance(made, str):
            return Message(made)
        assert isinstance(made, Message | Mapping | Page), (self.name, made)
        return made


def case(name: str, builder: Builder, *args: Any, **values: Any) -> Case:
    """A case of a builder with its facts."""
    return Case(name, builder, args, values)


def ugly(name: str, builder: Builder, *args: Any, **values: Any) -> Case:
    """The same with facts at their worst."""
    return Case(name, builder, args, values, ugly=True)
