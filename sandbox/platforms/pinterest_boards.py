"""Pinterest's boards, and its pages of lists (Pinterest facts §5.4)."""

from __future__ import annotations

from typing import Any

from sandbox.platforms.core import Call
from sandbox.platforms.model import Account
from sandbox.platforms.pinterest_manners import NOT_PERMITTED, invalid, refused

MOST = 250


def boards_of(account: Account) -> list[dict[str, Any]]:
    """The boards of an account."""
    return list(account.extra.get("boards", []))


def board_named(call: Call, id: str) -> dict[str, Any]:
    """The caller's own board. Raises Refused: code 29 for a foreign one, 40 where there is none."""
    for account in call.world.accounts_of("pinterest"):
        for board in boards_of(account):
            if board["id"] == id and account.id == call.account:
                return board
            if board["id"] == id:
                raise refused(403, 29, NOT_PERMITTED)
    raise refused(404, 40, "Board not found.")


def page_of(call: Call, items: list[dict[str, Any]]) -> dict[str, Any]:
    """One page of a list, with the bookmark of the next. Raises Refused."""
    query = call.request.query_params
    size, bookmark = query.get("page_size", "25"), query.get("bookmark", "0")
    if not size.isdecimal() or not 1 <= int(size) <= MOST:
        raise invalid(f"'page_size' must be 1 to {MOST}")
    if not bookmark.isdecimal():
        raise invalid("'bookmark' is invalid")
    start, end = int(bookmark), int(bookmark) + int(size)
    return {"items": items[start:end], "bookmark": str(end) if end < len(items) else None}
