"""What a platform answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.http.errors import Unreadable

__all__ = ["Response"]


@dataclass(frozen=True)
class Response:
    """A complete answer. `headers` ignore case, `body` is decoded from its transfer encodings.

    Headers and body stay out of the representation: they can hold tokens.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    where: str = ""

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises Unreadable for anything else (nothing, HTML, a list, NaN)."""
        problem = ""
        try:
            parsed = json.loads(self.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            problem = "empty" if not self.body.strip() else "not JSON"
        if problem:
            raise Unreadable(self.where, f"status {self.status}, {problem}")
        if not isinstance(parsed, dict):
            raise Unreadable(self.where, f"status {self.status}, not an object")
        return parsed


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
