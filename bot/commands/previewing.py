"""“Preview” in the composer: what each account will show, before anything is queued or fetched."""

from __future__ import annotations

from dataclasses import replace

from bot.commands import composer_accept, composer_checks, composing
from bot.commands.composer_form import Form, read_form
from bot.commands.desk import Desk
from bot.commands.requests import Press
from bot.commands.who import Asker, demand_member
from bot.domain import posting
from bot.domain.checking_posts import Proposed
from bot.domain.errors import Refused
from bot.domain.examining import Findings, examine
from bot.domain.labels import label_on
from bot.messages import preview as messages
from storage import clients
from storage.models import Client, Connection


async def preview(desk: Desk, press: Press) -> None:
    """Lays the preview on top of the composer."""
    demand_member(press.asker, "write posts")
    form = read_form(press.view or {})
    view = messages.preview(await _seen(desk, press.asker, form))
    await desk.gateway.push_view(press.asker.actor.workspace_id, press.trigger_id, view)


async def _seen(desk: Desk, asker: Asker, form: Form) -> messages.Preview:
    house, now = desk.house, desk.house.clock.now()
    async with house.db.read() as session:
        client = await clients.get(session, asker.actor.workspace_id, form.client_id)
        if client is None or client.closed_at is not None:
            raise Refused(composer_accept.CLIENT_GONE)
        due = form.at.instants(client.zone)
        stand_in = composer_checks.STAND_INS[1 if form.films else 0]
        draft = composer_accept.drafted(form, [stand_in] * len(form.names), due[0] if due else now)
        if form.is_now:
            draft = replace(draft, due_at=now)
        rows = await posting.chosen_of(session, asker.actor, draft) if form.account_ids else []
        proposed = draft.proposed(rows)
        found = await examine(session, house, proposed)
    alts = [item.alt or "" for item in draft.content.media]
    return messages.Preview(
        seen=_by_platform(desk, rows, proposed, found, bool(form.names)),
        media=tuple(zip(form.names, alts, strict=True)),
        zone=client.zone,
        author_zone=asker.zone,
        due_at=due[0] if len(due) == 1 and not form.is_now else None,
        now=form.is_now,
        warnings=_warnings(desk, client, rows, found, draft),
    )


def _by_platform(
    desk: Desk, rows: list[Connection], proposed: list[Proposed], found: Findings, has_media: bool
) -> tuple[messages.Seen, ...]:
    """One picture for all accounts of a platform. What stands in for unseen files proves nothing of them."""
    each: dict[str, messages.Seen] = {}
    for row, item in zip(rows, proposed, strict=True):
        if (before := each.get(row.platform)) is not None:
            each[row.platform] = replace(before, accounts=(*before.accounts, label_on(desk.house, row)))
            continue
        platform = desk.house.platforms[row.platform]
        looks = platform.appearance(item.content)
        problems = [
            one.problem.text
            for one in found.refused
            if one.platform == row.platform and not (has_media and one.problem.field == "media")
        ]
        each[row.platform] = messages.Seen(
            (label_on(desk.house, row),),
            looks.text,
            looks.title or "",
            looks.link or "",
            tuple(problems),
        )
    return tuple(each.values())


def _warnings(
    desk: Desk, client: Client, rows: list[Connection], found: Findings, draft: posting.Draft
) -> tuple[str, ...]:
    asked = composer_accept.Asked(found, draft, tuple(rows))
    return composing.asking(desk, asked, client.zone).warnings
