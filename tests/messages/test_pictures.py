"""From rows to messages, on both databases: what is shown is what stands in the rows, and nobody else's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.domain import app_faults, holding, incident_closing, incidents, inviting, pictures, reports
from bot.domain.house import wall_now
from bot.domain.inviting import Wanted
from bot.domain.outcomes import Judgement, Outcome
from bot.domain.telling import OPERATIONS, tell_event
from bot.messages import actions
from bot.messages.health import PAGE_LINES, health_message
from bot.messages.message import Message
from bot.messages.retry import SHOWN_MOST, retry_message
from bot.platforms.errors import Reason
from bot.renderers import build_renderers
from storage import deliveries as delivery_rows
from storage import engine
from storage.database import Database
from storage.models import Consent, Delivery, Grant, Invitation, new_id
from tests.messages.message_facts import actions_of, buttons, check, labels
from tests.messages.picture_rows import Rows, rows_in


@pytest.fixture
async def rows(database: Database, tmp_path: Path) -> AsyncIterator[Rows]:
    async with rows_in(database, tmp_path) as found:
        yield found


def said(message: Message | None) -> Message:
    assert message is not None
    return check(message)


async def invited(rows: Rows, *wanted: Wanted) -> list[Invitation]:
    async with rows.house.db.write() as session:
        notice = await inviting.invite(
            session, rows.house, rows.actor, rows.client, wanted, "C0TEAM", rows.now
        )
        query = select(Invitation).where(Invitation.batch_id == notice.subject_id)
        return list((await session.execute(query.order_by(Invitation.platform))).scalars())


async def died(rows: Rows, grant: Grant, reason: Reason = Reason.REVOKED) -> None:
    await rows.change(grant, state="dead", reason=reason)
    async with rows.house.db.write() as session:
        row = await session.get_one(Grant, grant.id)
        await incidents.dead(session, rows.house, row, rows.now)


# -- invitations -----------------------------------------------------------------------------------


async def test_an_invitation_carries_its_links_only_when_it_is_sent(rows: Rows) -> None:
    invitations = await invited(rows, Wanted("instagram", "brand"), Wanted("x"))
    (notice,) = await rows.notices("invitation")
    assert "/connect/" not in str(notice.facts)
    shown = said(await rows.shown(notice))
    assert [button["url"] for button in buttons(shown)] == [
        inviting.address(rows.house, invitation) for invitation in invitations
    ]
    assert "*@brand*" in shown.text and "<@U0ADA>" in shown.text and "is new" not in shown.text


async def test_only_the_first_link_says_that_its_client_is_new(rows: Rows) -> None:
    """Pressed twice within seconds, the second message is not the one that made it."""
    await rows.change(rows.client, created_by=rows.actor.user_id, created_at=rows.now)
    await invited(rows, Wanted("instagram"))
    rows.house.clock.set_offset(3)
    async with rows.house.db.write() as session:
        now = rows.now + timedelta(seconds=3)
        await inviting.invite(session, rows.house, rows.actor, rows.client, [Wanted("x")], "C0TEAM", now)
    first, second = [said(await rows.shown(notice)).text for notice in await rows.notices("invitation")]
    assert "is new: I created it" in first and "is new" not in second


async def test_a_used_line_shows_the_account_and_the_undo_while_it_can_be_undone(rows: Rows) -> None:
    (invitation,) = await invited(rows, Wanted("instagram"))
    connection = await rows.connection(await rows.grant(), picture_url="https://cdn.test/a.jpg")
    walk = Consent(
        id=new_id(),
        invitation_id=invitation.id,
        workspace_id=rows.workspace.id,
        platform="instagram",
        state="done",
        state_hash=new_id(),
        browser_hash="x",
        redirect_uri="x",
        connection_ids=[connection.id],
        created_at=rows.now,
        expires_at=rows.now,
        forget_at=rows.now,
    )
    await rows.add(walk)
    await rows.change(invitation, state="used", used_at=connection.linked_at, consent_id=walk.id)
    (notice,) = await rows.notices("invitation")
    shown = said(await rows.shown(notice))
    assert actions_of(shown) == [actions.UNDO_LINK]
    assert buttons(shown)[0]["value"] == f"{connection.id}:1"
    assert "*@acme* (Acme Shoes) is connected" in shown.text

    rows.house.clock.set_offset(25 * 3600)
    assert labels(said(await rows.shown(notice))) == []
    await rows.change(connection, state="disconnected")
    assert "not connected any more" in said(await rows.shown(notice)).text


@pytest.mark.parametrize(("days", "is_told"), [(7, True), (60, False)])
async def test_a_short_life_is_told_at_linking(rows: Rows, days: int, is_told: bool) -> None:
    (invitation,) = await invited(rows, Wanted("instagram"))
    grant = await rows.grant(data_access_expires_at=rows.now + timedelta(days=days))
    connection = await rows.connection(grant)
    walk = Consent(
        id=new_id(),
        invitation_id=invitation.id,
        workspace_id=rows.workspace.id,
        platform="instagram",
        state="done",
        state_hash=new_id(),
        browser_hash="x",
        redirect_uri="x",
        connection_ids=[connection.id],
        created_at=rows.now,
        expires_at=rows.now,
        forget_at=rows.now,
    )
    await rows.add(walk)
    await rows.change(invitation, state="used", used_at=connection.linked_at, consent_id=walk.id)
    (notice,) = await rows.notices("invitation")
    text = said(await rows.shown(notice)).text
    assert ("It holds until" in text and "sign in again" in text) is is_told


async def test_lines_that_ended_offer_no_link(rows: Rows) -> None:
    await invited(rows, Wanted("instagram"))
    await invited(rows, Wanted("instagram"))
    first, second = await rows.notices("invitation")
    assert "newer link" in said(await rows.shown(first)).text
    rows.house.clock.set_offset(8 * 86_400)
    assert "has run out" in said(await rows.shown(second)).text
    assert labels(said(await rows.shown(second))) == []


async def test_the_client_is_asked_in_its_own_words(rows: Rows) -> None:
    grant = await rows.grant()
    await rows.connection(grant)
    await died(rows, grant)
    async with rows.house.db.write() as session:
        invitation = (await session.execute(select(Invitation))).scalar_one()
        notice = await inviting.ask_client(session, invitation)
    shown = said(await rows.shown(notice))
    assert [button["url"] for button in buttons(shown)] == [inviting.address(rows.house, invitation)]
    assert "reconnect* your Instagram account *@acme*" in shown.text
    assert "client-a" not in shown.text and "Acme\n" not in shown.text


async def test_of_another_workspace_nothing_is_shown(rows: Rows) -> None:
    (invitation,) = await invited(rows, Wanted("instagram"))
    (notice,) = await rows.notices("invitation")
    notice.workspace_id = new_id()
    assert await rows.shown(notice) is None
    assert await rows.say("incident", new_id()) is None
    assert await rows.say("post", new_id()) is None
    assert await rows.say("published", new_id()) is None
    assert invitation.workspace_id == rows.workspace.id


# -- incidents -------------------------------------------------------------------------------------


async def test_a_death_is_told_to_each_client_apart_and_whole_to_the_operator(rows: Rows) -> None:
    grant = await rows.grant()
    mine = await rows.connection(grant)
    await rows.connection(grant, rows.other, handle="rival")
    await rows.delivery(mine, "blocked", reason="dead", due_at=rows.now + timedelta(hours=1))
    await rows.delivery(mine, "scheduled", due_at=rows.now + timedelta(hours=2))
    await died(rows, grant)
    roots = {notice.audience_id: said(await rows.shown(notice)) for notice in await rows.notices("incident")}
    own, other, all_of_them = roots[rows.client.id], roots[rows.other.id], roots[None]
    assert "@acme" in own.text and "2 posts wait" in own.text and "<@U0BOB>" in own.text
    assert "rival" not in own.text.lower() and "acme" not in other.text.lower()
    assert "No posts are waiting" in other.text
    assert "Acme" in all_of_them.text and "Rival" in all_of_them.text
    assert labels(own) == ["Reconnect", "Ask the client", "Copy link", "I'm on it"]
    assert actions_of(all_of_them) == [actions.OPEN_LINK, actions.OPEN_LINK, actions.TAKE]


async def test_ask_the_client_needs_a_client_channel(rows: Rows) -> None:
    grant = await rows.grant()
    await rows.connection(grant)
    await rows.change(rows.client, client_channel="C0SHARED")
    await died(rows, grant)
    (notice,) = await rows.notices("incident")
    assert labels(said(await rows.shown(notice))) == ["Reconnect", "Ask the client", "Copy link", "I'm on it"]


async def test_the_cure_clears_the_root_and_says_what_goes_out(rows: Rows) -> None:
    grant = await rows.grant()
    connection = await rows.connection(grant)
    await rows.delivery(connection, "blocked", reason="dead", due_at=rows.now + timedelta(hours=1))
    await rows.delivery(connection, "blocked", reason="dead", due_at=rows.now - timedelta(hours=2))
    await died(rows, grant)
    async with rows.house.db.write() as session:
        await incident_closing.close_for_grant(session, grant.id, "relinked", rows.now)
        await holding.release(session, rows.house, [connection.id], rows.now)
    (root,) = await rows.notices("incident")
    (news,) = await rows.notices("incident.news")
    shown = said(await rows.shown(root))
    assert "connected again" in shown.text and buttons(shown) == []
    told = said(await rows.shown(news)).text
    assert "1 queued post goes out by itself" in told and "1 post is late" in told and "<@" not in told
    (offer,) = await rows.notices("late")
    assert labels(said(await rows.shown(offer))) == ["Send now", "Move", "Drop"]


async def test_a_warning_counts_what_falls_after_the_end(rows: Rows) -> None:
    end = rows.now + timedelta(days=2)
    grant = await rows.grant(state="ending", reason="revoked", access_expires_at=end)
    connection = await rows.connection(grant)
    await rows.delivery(connection, "scheduled", due_at=rows.now + timedelta(days=1))
    await rows.delivery(connection, "scheduled", due_at=rows.now + timedelta(days=3))
    async with rows.house.db.write() as session:
        await incidents.ending(session, rows.house, await session.get_one(Grant, grant.id), rows.now)
    (notice,) = await rows.notices("incident")
    text = said(await rows.shown(notice)).text
    assert (
        "needs a new sign-in" in text and "2 posts are queued" in text and "1 of them after the end" in text
    )


async def test_trouble_of_one_account_can_be_checked(rows: Rows) -> None:
    connection = await rows.connection(await rows.grant())
    why = Judgement(Outcome.DEAD, Reason.PERMISSION_MISSING, permission="instagram_business_content_publish")
    async with rows.house.db.write() as session:
        await incidents.connection_in_trouble(session, rows.house, connection, why, rows.now)
    (notice,) = await rows.notices("incident")
    shown = said(await rows.shown(notice))
    assert labels(shown) == ["Reconnect", "Check now", "Ask the client", "Copy link", "I'm on it"]
    assert "(posting)" in shown.text and "instagram_business" not in shown.text


async def test_our_app_at_fault_is_told_to_the_operator_alone(rows: Rows) -> None:
    grant = await rows.grant()
    await rows.connection(grant)
    async with rows.house.db.write() as session:
        row = await session.get_one(Grant, grant.id)
        await app_faults.app_at_fault(session, row, Judgement(Outcome.APP, Reason.APP_SECRET), rows.now)
    (notice,) = await rows.notices("incident")
    assert notice.audience == OPERATIONS.kind
    shown = said(await rows.shown(notice))
    assert "INSTAGRAM_CLIENT_SECRET" in shown.text and "acme" not in shown.text.lower()


async def test_a_stand_in_channel_hears_why(rows: Rows) -> None:
    grant = await rows.grant()
    await rows.connection(grant)
    await died(rows, grant)
    (notice,) = await rows.notices("incident")
    notice.problem = "is_archived C0TEAM"
    assert "belongs in <#C0TEAM>" in said(await rows.shown(notice)).text


# -- posts -----------------------------------------------------------------------------------------


async def test_a_day_counts_in_the_clients_zone(rows: Rows) -> None:
    connection = await rows.connection(await rows.grant())
    late_evening = rows.now.replace(
        year=2026, month=11, day=20, hour=23, minute=30
    )  # already the 21st in Berlin
    row = await rows.delivery(
        connection, "published", published_at=late_evening, permalink="https://www.instagram.com/p/1/"
    )
    shown = said(await rows.say("day", rows.client.id, day="2026-11-21"))
    assert "`client-a` · Sat 21 Nov: *1 post published*" in shown.text
    assert await rows.say("day", rows.client.id, day="2026-11-20") is None
    assert "https://www.instagram.com/p/1/" in said(await rows.say("published", row.id)).text


async def test_a_failed_post_and_its_news(rows: Rows) -> None:
    connection = await rows.connection(await rows.grant())
    row = await rows.delivery(connection, "failed", reason="media_ratio", attempt=3)
    async with rows.house.db.write() as session:
        work = await delivery_rows.load(session, row.id)
        assert work is not None
        await reports.failed(session, work)
    (root,) = await rows.notices("post")
    (news,) = await rows.notices("post.news")
    shown = said(await rows.shown(root))
    assert labels(shown) == ["New post"] and "too wide" in shown.text
    assert buttons(shown)[0]["value"] == row.client_id
    assert "<@U0ADA>" in said(await rows.shown(news)).text
    await rows.change(row, attempt=4, state="scheduled")
    assert await rows.shown(news) is None
    assert labels(said(await rows.shown(root))) == []


async def test_a_look_that_goes_on_is_no_question_yet(rows: Rows) -> None:
    connection = await rows.connection(await rows.grant())
    row = await rows.delivery(connection, "unconfirmed", reason="lost_answer", next_at=rows.now)
    assert labels(said(await rows.say("post", row.post_id))) == []
    await rows.change(row, next_at=None)
    assert labels(said(await rows.say("post", row.post_id))) == ["It is live", "Post it again"]


async def test_late_posts_show_what_became_of_them(rows: Rows) -> None:
    connection = await rows.connection(await rows.grant())
    waiting = [
        await rows.delivery(
            connection, "scheduled", f"Post {number}", due_at=rows.now - timedelta(hours=number)
        )
        for number in (3, 2)
    ]
    async with rows.house.db.write() as session:
        found = [await session.get_one(Delivery, row.id) for row in waiting]
        await holding.offer(session, found, rows.now)
    (notice,) = await rows.notices("late")
    shown = said(await rows.shown(notice))
    assert shown.text.index("Post 3") < shown.text.index("Post 2")
    assert len(actions.read_choices(buttons(shown)[-1]["value"])) == 2
    await rows.change(waiting[0], state="published", late=False)
    again = said(await rows.shown(notice))
    assert labels(again) == ["Send now", "Move", "Drop"] and "is published" in again.text


# -- lists -----------------------------------------------------------------------------------------


async def test_health_is_worst_first_and_pages(rows: Rows) -> None:
    fine = await rows.grant()
    bad = await rows.grant(state="dead", reason="password_changed")
    for number in range(PAGE_LINES):
        await rows.connection(fine, handle=f"fine{number}")
    await rows.connection(bad, rows.other, handle="rival")
    ids = [rows.client.id, rows.other.id]
    async with rows.house.db.write() as session:
        await engine.sweep_finished(session, rows.now, wall_now(), 0.1)
    async with rows.house.db.read() as session:
        first = await pictures.health(session, rows.house, rows.workspace.id, ids)
        last = await pictures.health(session, rows.house, rows.workspace.id, ids, 99, scope="all")
        mine = await pictures.health(session, rows.house, rows.workspace.id, [rows.client.id])
    assert [line.client.slug for line in first.lines[:2]] == ["client-b", "client-a"]
    assert (first.pages, last.page, len(last.lines)) == (2, 1, 1)
    assert first.totals == {"red": 1, "green": PAGE_LINES}
    shown = said(health_message(first))
    assert actions.RECONNECT_ACCOUNT in actions_of(shown) and actions.HEALTH_PAGE in actions_of(shown)
    assert "password" in shown.text and "last round: <!date" in shown.text
    assert "all:0" in [button.get("value") for button in buttons(said(health_message(last)))]
    assert "Rival" not in said(health_message(mine)).text


async def test_health_has_the_alerts_own_link_and_what_waits(rows: Rows) -> None:
    grant = await rows.grant()
    connection = await rows.connection(grant)
    await rows.delivery(connection, "blocked", reason="dead")
    await died(rows, grant)
    async with rows.house.db.read() as session:
        facts = await pictures.health(session, rows.house, rows.workspace.id, [rows.client.id, rows.other.id])
        invitation = (await session.execute(select(Invitation))).scalar_one()
    shown = said(health_message(facts))
    assert buttons(shown)[0]["url"] == inviting.address(rows.house, invitation)
    assert "1 post waiting" in shown.text and "No accounts yet" in shown.text
    assert facts.last_sweep is None and not facts.is_set_up


async def test_failures_are_bounded_and_the_clients_own(rows: Rows) -> None:
    grant = await rows.grant()
    mine, theirs = await rows.connection(grant), await rows.connection(grant, rows.other, handle="rival")
    for number in range(SHOWN_MOST + 2):
        due = rows.now - timedelta(hours=number)
        await rows.delivery(mine, "failed", f"Post {number}.", reason="platform_down", due_at=due)
    await rows.delivery(theirs, "unconfirmed", "Secret", reason="lost_answer")
    await rows.delivery(mine, "published", "Fine")
    async with rows.house.db.read() as session:
        facts = await pictures.failures(session, rows.house, rows.workspace.id, [rows.client.id])
        both = await pictures.failures(
            session, rows.house, rows.workspace.id, [rows.client.id, rows.other.id]
        )
        nobody = await pictures.failures(session, rows.house, new_id(), [rows.client.id])
    shown = said(retry_message(facts))
    assert (len(facts.items), facts.total) == (SHOWN_MOST, SHOWN_MOST + 2)
    assert "2 older ones" in shown.text and "Secret" not in shown.text and "Fine" not in shown.text
    assert f"Post {SHOWN_MOST}." not in shown.text and "Post 0." in shown.text
    assert both.total == SHOWN_MOST + 3 and nobody.total == 0


# -- the bot itself --------------------------------------------------------------------------------


async def test_gap_and_welcome(rows: Rows) -> None:
    since, until = "2026-11-20T10:00:00+00:00", "2026-11-20T12:30:00+00:00"
    shown = said(await rows.say("engine.gap", None, **{"from": since, "to": until}, late=1))
    assert "2 h 30 min" in shown.text and "1 login was due" in shown.text
    assert "/lamplighter setup" in said(await rows.say("welcome")).text


async def test_every_topic_that_the_rules_write_can_be_rendered(rows: Rows) -> None:
    written = set()
    for path in Path("bot").glob("[djcs]*/*.py"):
        source = path.read_text()
        for topic in build_renderers(rows.house):
            if f'"{topic}"' in source:
                written.add(topic)
    assert written == set(build_renderers(rows.house))
    async with rows.house.db.write() as session:
        assert await tell_event(session, rows.workspace.id, "welcome", "key", OPERATIONS) is not None
