"""Fields as the Graph API nests them: `id,picture{url},instagram_business_account{id,username}`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.platforms.meta import bad_parameter

Fields = dict[str, str]


def fields_of(text: str) -> Fields:
    """The names in a `fields` parameter, each with what stands in its braces. Raises Refused."""
    found: Fields = {}
    depth, word = 0, ""
    for char in text + ",":
        if char == "," and depth == 0:
            name, _, inner = word.strip().partition("{")
            if name:
                found[name.partition(".")[0]] = inner.removesuffix("}")
            word = ""
            continue
        depth += {"{": 1, "}": -1}.get(char, 0)
        word += char
    if depth:
        raise bad_parameter("Syntax error in the parameter fields")
    return found


def shown(everything: Mapping[str, Any], asked: str, default: Iterable[str]) -> dict[str, Any]:
    """What was asked for, and the id; what is None is left out. Raises Refused for an unknown field."""
    wanted = fields_of(asked) or dict.fromkeys(default, "")
    for name in wanted:
        if name not in everything:
            raise bad_parameter(f"Tried accessing nonexisting field ({name})")
    if "id" in everything:
        wanted = {**wanted, "id": ""}
    return {
        name: _nested(everything[name], inner)
        for name, inner in wanted.items()
        if everything[name] is not None
    }


def _nested(value: Any, inner: str) -> Any:
    if isinstance(value, dict) and set(value) == {"data"}:
        return {"data": _nested(value["data"], inner)}
    return shown(value, inner, value) if isinstance(value, dict) and inner else value
