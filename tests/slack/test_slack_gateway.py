"""The gateway: what it says, what it refuses, and how it names what went wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.messages.message import Message
from bot.outbound import Rewriter
from bot.slack import errors
from bot.slack.errors import (
    CannotEdit,
    ChannelUnreachable,
    OurFault,
    PersonUnreachable,
    SlackProblem,
    ThreadClosed,
    TooSlow,
    Transient,
    ViewConflict,
    WorkspaceGone,
    problem_for,
)
from bot.slack.gateway import Gateway
from bot.slack.pacing import Pacer
from sandbox.slack.faults import Outage
from sandbox.slack.models import Channel, Install, User
from sandbox.slack.state import SlackWorld
from tests.slack.slack_fakes import serve

W = "w1"


class Town:
    """A workspace with a channel and a person, and a gateway to it."""

    def __init__(self, world: SlackWorld, gateway: Gateway) -> None:
        self.world, self.gateway = world, gateway
        team = world.add_team("agency")
        self.install: Install = world.install(team.id)
        self.ada: User = world.add_user(team.id, "ada", tz="Europe/Vienna", is_admin=True)
        self.channel: Channel = world.add_channel(team.id, "client-a", self.install.bot_user_id, self.ada.id)

    def said(self) -> list[str]:
        return [m.text for m in self.channel.messages.values() if not m.deleted]

    def counts(self, method: str) -> int:
        return self.world.counts()[method]


@pytest.fixture
def town(world: SlackWorld, origin: str, session: aiohttp.ClientSession) -> Town:
    async def token_for(workspace: str) -> str:
        assert workspace == W
        return found.install.token

    found = Town(world, Gateway(session, Rewriter(origin), token_for, pacer=Pacer(0)))
    return found


def modal(text: str = "Hello") -> dict[str, object]:
    section = {"type": "section", "text": {"type": "plain_text", "text": text}}
    return {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": [section]}


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("token_revoked", WorkspaceGone),
        ("account_inactive", WorkspaceGone),
        ("is_archived", ChannelUnreachable),
        ("not_in_channel", ChannelUnreachable),
        ("restricted_action_read_only_channel", ChannelUnreachable),
        ("restricted_action_thread_locked", ThreadClosed),
        ("user_not_in_channel", PersonUnreachable),
        ("edit_window_closed", CannotEdit),
        ("message_not_found", CannotEdit),
        ("cant_update_message", CannotEdit),
        ("is_inactive", CannotEdit),
        ("hash_conflict", ViewConflict),
        ("expired_trigger_id", TooSlow),
        ("fatal_error", Transient),
        ("ratelimited", Transient),
        ("invalid_blocks", OurFault),
        ("missing_scope", OurFault),
        ("a_word_of_next_year", OurFault),
    ],
)
def test_error_words_have_one_meaning(word: str, kind: type[SlackProblem]) -> None:
    problem = problem_for(word)
    assert type(problem) is kind
    assert problem.word == word


def test_no_error_word_has_two_meanings() -> None:
    kinds: tuple[type[SlackProblem], ...] = (*errors.FAMILY, Transient)
    words = [word for kind in kinds for word in kind.words]
    assert len(words) == len(set(words))


def test_a_message_needs_text() -> None:
    with pytest.raises(ValueError, match="text"):
        Message("  ", ({"type": "divider"},))


async def test_post_in_a_thread_and_its_deleted_root(town: Town) -> None:
    root = await town.gateway.post(W, town.channel.id, Message("Root."))
    reply = await town.gateway.post(W, town.channel.id, Message("Reply."), thread_ts=root.ts, broadcast=True)
    assert (root.thread_ts, root.orphaned) == (None, False)
    assert (reply.thread_ts, reply.orphaned) == (root.ts, False)
    assert town.channel.messages[reply.ts].reply_broadcast

    town.channel.messages[root.ts].deleted = True
    lost = await town.gateway.post(W, town.channel.id, Message("Late."), thread_ts=root.ts)
    assert (lost.thread_ts, lost.orphaned) == (None, True)


async def test_update_without_blocks_takes_the_old_ones_away(town: Town) -> None:
    button = {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "action_id": "go"}
    message = Message("Before.", ({"type": "actions", "elements": [button]},))
    posted = await town.gateway.post(W, town.channel.id, message)
    await town.gateway.update(W, town.channel.id, posted.ts, Message("After."))
    shown = town.channel.messages[posted.ts]
    assert (shown.text, shown.blocks) == ("After.", [])


async def test_update_cuts_a_text_that_slack_would_refuse(town: Town) -> None:
    posted = await town.gateway.post(W, town.channel.id, Message("x"))
    await town.gateway.update(W, town.channel.id, posted.ts, Message("y" * 5000))
    assert len(town.channel.messages[posted.ts].text) == 4000


async def test_faulty_blocks_fall_back_to_the_text(town: Town) -> None:
    wrong = Message("In words.", ({"type": "nonsense"},))
    posted = await town.gateway.post(W, town.channel.id, wrong)
    await town.gateway.update(W, town.channel.id, posted.ts, wrong)
    assert town.said() == ["In words."]


@pytest.mark.parametrize(
    ("outage", "sent", "limited"),
    [
        (Outage.UNAVAILABLE, None, False),
        (Outage.INTERNAL_ERROR, None, False),
        (Outage.DOWN, None, False),
        (Outage.LOST_ANSWER, None, False),
        (Outage.RATE_LIMITED, False, True),
    ],
)
async def test_outages_are_transient_and_never_repeated(
    town: Town, outage: Outage, sent: bool | None, limited: bool
) -> None:
    fault = town.world.faults.add(outage, "chat.postMessage", retry_after=7)
    with pytest.raises(Transient) as caught:
        await town.gateway.post(W, town.channel.id, Message("Once."))
    assert (caught.value.sent, caught.value.limited) == (sent, limited)
    assert caught.value.retry_after == (7.0 if limited else None)
    assert fault.struck == 1
    assert (town.gateway.pacer.paused(W, town.channel.id) > 6) is limited


async def test_refused_connection_is_surely_not_sent(town: Town, session: aiohttp.ClientSession) -> None:
    async def token_for(_workspace: str) -> str:
        return town.install.token

    nobody = Gateway(session, Rewriter("http://127.0.0.1:9"), token_for)
    with pytest.raises(Transient) as caught:
        await nobody.post(W, town.channel.id, Message("x"))
    assert caught.value.sent is False


async def test_problems_never_carry_the_token(town: Town) -> None:
    town.world.faults.add(Outage.UNAVAILABLE, "chat.postMessage")
    with pytest.raises(Transient) as caught:
        await town.gateway.post(W, town.channel.id, Message("x"))
    assert town.install.token not in repr(caught.value)
    assert caught.value.__suppress_context__


async def test_posts_of_one_channel_are_a_second_apart(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [100.0], []

    async def sleep(seconds: float) -> None:
        slept.append(round(seconds, 3))

    monkeypatch.setattr("bot.slack.pacing.asyncio.sleep", sleep)
    pacer = Pacer(1.0, clock=lambda: now[0])
    for _ in range(3):
        await pacer.turn(W, "C1")
    await pacer.turn(W, "C2")
    now[0] += 10
    await pacer.turn(W, "C1")
    assert slept == [1.0, 2.0]


async def test_paced_posts_pass_strict_slack(world: SlackWorld, town: Town) -> None:
    world.switches.strict_pacing = True
    town.gateway.pacer = Pacer(1.02)
    started = time.monotonic()
    posts = [town.gateway.post(W, town.channel.id, Message(f"{n}")) for n in range(3)]
    await asyncio.gather(*posts)
    assert town.said() == ["0", "1", "2"]
    assert time.monotonic() - started >= 2.0


async def test_ephemeral_falls_back_to_a_direct_message(town: Town) -> None:
    bob = town.world.add_user(town.ada.team_id, "bob")
    await town.gateway.ephemeral(W, town.channel.id, town.ada.id, Message("Here."))
    await town.gateway.ephemeral(W, town.channel.id, bob.id, Message("There."))
    (here,) = town.channel.messages.values()
    assert (here.text, here.ephemeral_to) == ("Here.", town.ada.id)
    direct = town.world.direct_message(town.ada.team_id, bob.id)
    assert [m.text for m in direct.messages.values()] == ["There."]


async def test_people_are_asked_for_once_a_day(town: Town) -> None:
    guest = town.world.add_user(town.ada.team_id, "guest", is_restricted=True)
    ada = await town.gateway.user(W, town.ada.id)
    assert (ada.zone, ada.is_admin, ada.is_guest, ada.team_id) == (
        "Europe/Vienna",
        True,
        False,
        town.ada.team_id,
    )
    assert await town.gateway.user(W, town.ada.id) is ada
    assert (await town.gateway.user(W, guest.id)).is_guest
    assert town.counts("users.info") == 2
    with pytest.raises(PersonUnreachable):
        await town.gateway.user(W, "U_NOBODY")


async def test_channels_are_looked_up_and_forgotten_on_demand(town: Town) -> None:
    before = await town.gateway.channel(W, town.channel.id)
    assert (before.is_member, before.is_archived, before.name) == (True, False, "client-a")
    town.channel.is_archived = True
    assert not (await town.gateway.channel(W, town.channel.id)).is_archived
    town.gateway.forget_channel(W, town.channel.id)
    assert (await town.gateway.channel(W, town.channel.id)).is_archived
    with pytest.raises(ChannelUnreachable):
        await town.gateway.channel(W, "C_NOWHERE")


async def test_views_open_update_and_conflict(town: Town) -> None:
    trigger = town.world.new_trigger(town.ada.id, town.ada.team_id)
    opened = await town.gateway.open_view(W, trigger, modal())
    with pytest.raises(TooSlow):
        await town.gateway.open_view(W, trigger, modal())
    changed = await town.gateway.update_view(W, opened.id, modal("Changed"), opened.hash)
    assert changed.hash != opened.hash
    with pytest.raises(ViewConflict):
        await town.gateway.update_view(W, opened.id, modal("Late"), opened.hash)
    with pytest.raises(CannotEdit):
        await town.gateway.update_view(W, "V_GONE", modal())
    home: dict[str, object] = {"type": "home", "blocks": [{"type": "divider"}]}
    assert (await town.gateway.publish_view(W, town.ada.id, home)).id


async def test_permalink_and_identity(town: Town) -> None:
    posted = await town.gateway.post(W, town.channel.id, Message("x"))
    link = await town.gateway.permalink(W, town.channel.id, posted.ts)
    assert link.startswith("https://agency.slack.com/archives/")
    identity = await town.gateway.identify(town.install.token)
    assert (identity.team_id, identity.bot_id) == (town.ada.team_id, town.install.bot_id)
    assert "chat:write" in identity.scopes
    with pytest.raises(WorkspaceGone):
        await town.gateway.identify("xoxb-wrong")


# -- response URLs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.slack.com.evil.example/commands/T/1",
        "https://evil.example/hooks.slack.com/commands/T/1",
        "https://hooks.slack.com@evil.example/commands/T/1",
        "https://user@hooks.slack.com/commands/T/1",
        "https://hooks.slack.com:8443/commands/T/1",
        "http://hooks.slack.com/commands/T/1",
        "http://127.0.0.1:1/hooks.slack.com/commands/T/1",
    ],
)
async def test_respond_posts_to_slack_and_to_nobody_else(town: Town, address: str) -> None:
    with pytest.raises(ValueError, match="not a response address"):
        await town.gateway.respond(address, Message("x"))


async def test_respond_in_its_three_manners(town: Town) -> None:
    def url(ts: str | None = None) -> str:
        return town.world.new_response_url("actions", town.channel, town.ada.id, ts)

    await town.gateway.respond(url(), Message("Only you."))
    await town.gateway.respond(url(), Message("Everybody."), in_channel=True)
    only, everybody = town.channel.messages.values()
    assert (only.ephemeral_to, everybody.ephemeral_to) == (town.ada.id, None)
    await town.gateway.respond(url(everybody.ts), Message("Changed."), replace_original=True)
    assert everybody.text == "Changed."
    await town.gateway.respond(url(everybody.ts), None, delete_original=True)
    assert everybody.deleted


async def test_respond_falls_back_to_text_and_names_a_used_address(town: Town) -> None:
    address = town.world.new_response_url("commands", town.channel, town.ada.id)
    await town.gateway.respond(address, Message("In words.", ({"type": "nonsense"},)))
    assert town.said() == ["In words."]
    with pytest.raises(TooSlow):
        await town.gateway.respond("https://hooks.slack.com/commands/T/used", Message("x"))


# -- answers that are no answers -------------------------------------------------------------------

Answer = Callable[[Request], Awaitable[Response]]


async def _html(_request: Request) -> Response:
    return Response("<html>upstream</html>", 200, media_type="text/html")


async def _cut_off(_request: Request) -> Response:
    return Response('{"ok": tr', 200, media_type="application/json")


async def _no_place(_request: Request) -> Response:
    return JSONResponse({"ok": True})


async def _odd_patience(_request: Request) -> Response:
    return PlainTextResponse("slow down", 429, {"Retry-After": "soon"})


@pytest.mark.parametrize(
    ("answer", "word", "sent"),
    [
        (_html, "http_200_unreadable", None),
        (_cut_off, "http_200_unreadable", None),
        (_no_place, "unreadable_answer", None),
        (_odd_patience, "ratelimited", False),
    ],
)
async def test_unreadable_answers_are_transient(
    session: aiohttp.ClientSession, answer: Answer, word: str, sent: bool | None
) -> None:
    async def token_for(_workspace: str) -> str:
        return "xoxb-1"

    async with serve([Route("/slack.com/api/{method}", answer, methods=["POST"])]) as origin:
        gateway = Gateway(session, Rewriter(origin), token_for)
        with pytest.raises(Transient) as caught:
            await gateway.post(W, "C1", Message("x"))
    assert (caught.value.word, caught.value.sent) == (word, sent)


async def _place_only(_request: Request) -> Response:
    return JSONResponse({"ok": True, "channel": "C1", "ts": "2.0"})


async def test_an_answer_without_the_message_says_nothing_of_its_root(session: aiohttp.ClientSession) -> None:
    async def token_for(_workspace: str) -> str:
        return "xoxb-1"

    async with serve([Route("/slack.com/api/{method}", _place_only, methods=["POST"])]) as origin:
        gateway = Gateway(session, Rewriter(origin), token_for)
        posted = await gateway.post(W, "C1", Message("x"), thread_ts="1.0")
    assert (posted.ts, posted.thread_ts, posted.orphaned) == ("2.0", "1.0", False)


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_any_yes_to_an_answer_is_one(session: aiohttp.ClientSession, status: int) -> None:
    heard: list[object] = []

    async def yes(request: Request) -> Response:
        heard.append(await request.json())
        return Response(status_code=status)

    async def token_for(_workspace: str) -> str:
        return "xoxb-1"

    async with serve([Route("/hooks.slack.com/commands/T/1", yes, methods=["POST"])]) as origin:
        gateway = Gateway(session, Rewriter(origin), token_for)
        blocks = ({"type": "divider"},)
        await gateway.respond("https://hooks.slack.com/commands/T/1", Message("x", blocks))
    assert len(heard) == 1, "said once"


async def test_a_look_up_that_shows_nothing_is_transient(session: aiohttp.ClientSession) -> None:
    async def token_for(_workspace: str) -> str:
        return "xoxb-1"

    async with serve([Route("/slack.com/api/{method}", _no_place, methods=["GET", "POST"])]) as origin:
        gateway = Gateway(session, Rewriter(origin), token_for)
        for look in (
            gateway.user(W, "U1"),
            gateway.channel(W, "C1"),
            gateway.permalink(W, "C1", "1.0"),
            gateway.identify("xoxb-1"),
        ):
            with pytest.raises(Transient, match="unreadable_answer"):
                await look
