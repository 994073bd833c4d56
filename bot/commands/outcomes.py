"""What a press on posts came to, in words: what changed, what was left alone, what happened since."""

from __future__ import annotations

from collections.abc import Sequence

from bot.commands.desk import Desk
from bot.commands.who import Asker
from bot.domain.deciding import Choice, Outcome
from bot.domain.pictures import posts, queue
from bot.messages import queue_changes
from storage import clients as client_rows
from storage import queue as store
from storage.deliveries import BEFORE_RETURN


async def done(desk: Desk, asker: Asker, outcome: Outcome, done: str) -> str:
    """What happened to which accounts, what was left alone, and what it still waits for."""
    workspace_id, client_id = asker.actor.workspace_id, outcome.changed[0].client_id
    going = [row for row in outcome.changed if row.state in BEFORE_RETURN]
    async with desk.house.db.read() as session:
        workspace = await client_rows.workspace(session, workspace_id)
        client = await client_rows.get(session, workspace_id, client_id)
        left = await queue.since(session, desk.house, workspace_id, outcome.left)
        seen = [await posts.one(session, desk.house, workspace_id, row.id) for row in outcome.changed]
        able = set(await store.able(session, [client_id]))
    shown = [item for item in seen if item is not None]
    said = queue_changes.done_words(done, shown, left)
    waiting = {row.id for row in going if row.connection_id not in able}
    if waiting:
        said += f" {queue_changes.waits_words([item for item in shown if item.id in waiting])}"
    if going and (workspace.paused_at or (client is not None and client.paused_at)):
        said += " Posting is paused: nothing goes out until it is resumed."
    return said


async def stale(desk: Desk, asker: Asker, choices: Sequence[Choice]) -> str:
    """That nothing was changed, and what has happened since the message or window was made."""
    async with desk.house.db.read() as session:
        found = await queue.since(session, desk.house, asker.actor.workspace_id, choices)
    return queue_changes.stale_words(found)
