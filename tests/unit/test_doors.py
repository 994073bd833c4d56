"""What the doors read by an id alone: nothing that a payload could name, each with where its id comes from.

Whatever people press carries ids that anybody could have written. Queries that are told the workspace of the
press are safe (`tests/storage/test_workspaces_apart.py`); the others may be asked only with ids of rows that
such a query has given.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOORS = ("bot/commands", "bot/web")

ALLOWED = {
    ("bot/commands/before.py", "session.get_one(Client)"): "the client of an account that the asker may see",
    ("bot/commands/before.py", "session.get(Connection)"): "an account that the asker may see, read again",
    ("bot/commands/before.py", "invitations.asked_since"): "accounts that the asker may see",
    ("bot/commands/composer_accept.py", "deliveries.of_post"): "the post that was just queued",
    ("bot/commands/composer_accept.py", "session.get_one(Post)"): "of a delivery that was just changed",
    ("bot/commands/composer_accept.py", "session.get_one(Client)"): "the client of that post",
    ("bot/commands/connecting.py", "connections.of_client"): "a client that the asker may see",
    ("bot/commands/connecting.py", "session.get_one(Grant)"): "the login of an account of that client",
    ("bot/commands/decisions.py", "session.get(Delivery)"): "compared with the workspace in the next line",
    ("bot/commands/decisions.py", "session.get_one(Client)"): "the client of that delivery",
    ("bot/commands/disconnect.py", "deliveries.waiting"): "an account that was found by workspace",
    ("bot/commands/links.py", "grants.live_reach"): "an alert that was found by workspace",
    ("bot/commands/outcomes.py", "queue.able"): "the client of a delivery that was just changed",
    ("bot/web/media.py", "media.find"): "an id that we signed ourselves",
}


def lookups(path: Path) -> Iterator[str]:
    """The calls in a module that find rows by an id and are told no workspace."""
    tree = ast.parse(path.read_text())
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "storage":
            modules |= {item.asname or item.name: item.name for item in node.names}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner, name = node.func.value, node.func.attr
        if not isinstance(owner, ast.Name):
            continue
        if owner.id == "session" and name in ("get", "get_one"):
            yield f"session.{name}({ast.unparse(node.args[0])})"
        elif owner.id in modules and _by_id_alone(modules[owner.id], name):
            yield f"{modules[owner.id]}.{name}"


def _by_id_alone(module: str, name: str) -> bool:
    function = getattr(importlib.import_module(f"storage.{module}"), name, None)
    if not inspect.isfunction(function):
        return False
    told = inspect.signature(function).parameters
    return "workspace_id" not in told and any(one.endswith(("_id", "_ids")) or one == "ids" for one in told)


def test_the_doors_read_by_id_only_what_a_workspace_gave_them() -> None:
    found = set()
    for folder in DOORS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            found |= {(str(path.relative_to(ROOT)), call) for call in lookups(path)}
    assert found == set(ALLOWED), "ask with the workspace of the press, or say here where the id comes from"
