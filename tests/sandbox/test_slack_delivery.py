"""Signed delivery and a person's window, with a small Bolt app as the bot, all over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.routing import Route

from sandbox.slack import Impossible, Person, SlackWorld, create_slack_routes, life
from sandbox.slack.delivery import verify_url
from sandbox.slack.models import Channel
from sandbox.slack.testing import serving

pytestmark = pytest.mark.timeout(30)

MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "compose",
    "title": {"type": "plain_text", "text": "Compose"},
    "submit": {"type": "plain_text", "text": "Send"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "what",
            "label": {"type": "plain_text", "text": "What"},
            "element": {"type": "plain_text_input", "action_id": "text", "max_length": 20},
        },
        {
            "type": "input",
            "block_id": "who",
            "optional": True,
            "label": {"type": "plain_text", "text": "Client"},
            "element": {"type": "external_select", "action_id": "client", "min_query_length": 0},
        },
    ],
}
ASK: dict[str, Any] = {
    "type": "actions",
    "block_id": "ask",
    "elements": [
        {"type": "button", "action_id": "open", "text": {"type": "plain_text", "text": "Open"}, "value": "7"},
        {
            "type": "button",
            "action_id": "drop",
            "text": {"type": "plain_text", "text": "Drop"},
            "confirm": {
                "title": {"type": "plain_text", "text": "Drop it?"},
                "text": {"type": "plain_text", "text": "It is gone then."},
                "confirm": {"type": "plain_text", "text": "Drop"},
                "deny": {"type": "plain_text", "text": "Keep"},
            },
        },
        {
            "type": "button",
            "action_id": "link",
            "text": {"type": "plain_text", "text": "Look"},
            "url": "https://example.com/",
        },
    ],
}


@dataclass
class House:
    """A workspace, its people, and what the bot under test heard."""

    world: SlackWorld
    ada: Person
    general: Channel
    heard: list[dict[str, Any]] = field(default_factory=list)
    submit: Callable[..., Awaitable[None]] | None = None


def build_bot(house: House, client: AsyncWebClient) -> AsyncApp:
    """A Bolt app that gets everything explicitly."""
    install = next(iter(house.world.installs.values()))

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None,
            team_id=install.team_id,
            bot_token=install.token,
            bot_id=install.bot_id,
            bot_user_id=install.bot_user_id,
        )

    app = AsyncApp(client=client, authorize=authorize, signing_secret=house.world.app.signing_secret)

    @app.command("/connect")
    async def connect(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack("On its way.")
        await client.chat_postMessage(channel=body["channel_id"], text="Ask", blocks=[ASK])

    @app.command("/slow")
    async def slow() -> None:
        return None

    @app.action("open")
    async def opened(ack: Any, body: dict[str, Any], client: AsyncWebClient, respond: Any) -> None:
        await ack()
        house.heard.append(body)
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        await respond(text="Opened.", replace_original=True)

    @app.action("drop")
    async def drop(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        house.heard.append(body)

    @app.options("client")
    async def clients(ack: Any, payload: dict[str, Any]) -> None:
        names = [name for name in ("client-a", "client-b") if payload["value"] in name]
        await ack(options=[{"text": {"type": "plain_text", "text": n}, "value": n} for n in names])

    @app.view("compose")
    async def submitted(ack: Any, body: dict[str, Any]) -> None:
        house.heard.append(body)
        assert house.submit is not None
        await house.submit(ack)

    @app.view_closed("compose")
    async def closed(ack: Any, body: dict[str, Any]) -> None:
        house.heard.append(body)
        await ack()

    @app.event("app_home_opened")
    async def home(event: dict[str, Any], client: AsyncWebClient) -> None:
        blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "Welcome"}}]
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    @app.event("member_joined_channel")
    async def joined(body: dict[str, Any]) -> None:
        house.heard.append(body)

    return app


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    world = SlackWorld()
    world.switches.retry_delays = (0.0, 0.0, 0.0)
    team = world.add_team("agency")
    install = world.install(team.id)
    ada = world.add_user(team.id, "ada")
    general = world.add_channel(team.id, "general", ada.id, install.bot_user_id)
    house = House(world, Person(world, ada.id), general)
    async with serving(Starlette(routes=list(create_slack_routes(world)))) as slack:
        world.links_base = slack
        client = AsyncWebClient(install.token, base_url=f"{slack}/slack.com/api/")
        handler = AsyncSlackRequestHandler(build_bot(house, client))
        async with serving(
            Starlette(routes=[Route("/slack/events", handler.handle, methods=["POST"])])
        ) as bot:
            world.bot_url = bot
            yield house
            await world.drain()


async def ask(house: House) -> Any:
    """The message with buttons that `/connect` posts."""
    await house.ada.command("/connect", "instagram client-a", house.general.id)
    await house.world.until(lambda: any(m.blocks for m in house.ada.sees(house.general.id)))
    return next(m for m in house.ada.sees(house.general.id) if m.blocks)


async def open_modal(house: House) -> Any:
    """The modal behind the message's button."""
    await house.ada.press(await ask(house), "open", value="7")
    await house.world.until(lambda: house.ada.modal is not None)
    return house.ada.modal


async def test_command_button_modal_round_trip(house: House) -> None:
    async def thank(ack: Any) -> None:
        await ack()

    house.submit = thank
    seen = await house.ada.command("/connect", "instagram client-a", house.general.id)
    assert seen.message is not None and seen.message.text == "On its way."
    assert seen.message.ephemeral_to == house.ada.user.id
    modal = await open_modal(house)
    posted = [m for m in house.ada.sees(house.general.id) if not m.ephemeral_to]
    await house.world.until(lambda: any(m.text == "Opened." and not m.blocks for m in posted))
    done = await house.ada.submit(modal, {"what": "hello"})
    assert done.view is None and not done.warning
    assert house.heard[-1]["view"]["state"]["values"]["what"]["text"]["value"] == "hello"
    assert house.world.complaints == []


async def test_block_actions_carry_what_slack_sends(house: House) -> None:
    await open_modal(house)
    body = house.heard[0]
    assert body["container"]["type"] == "message" and body["message"]["text"] == "Ask"
    assert body["actions"][0]["value"] == "7" and body["actions"][0]["block_id"] == "ask"
    assert body["user"]["team_id"] == house.ada.user.team_id


async def test_the_window_checks_before_the_app_is_asked(house: House) -> None:
    modal = await open_modal(house)
    empty = await house.ada.submit(modal)
    assert empty.errors == {"what": "Please complete this required field."} and empty.delivered is None
    long = await house.ada.submit(modal, {"what": "x" * 23})
    assert long.errors == {"what": "This entry is 3 characters too long."}


async def test_errors_stand_at_their_fields(house: House) -> None:
    async def object_(ack: Any) -> None:
        await ack(response_action="errors", errors={"what": "Too dull."})

    house.submit = object_
    modal = await open_modal(house)
    seen = await house.ada.submit(modal, {"what": "hello"})
    assert seen.errors == {"what": "Too dull."} and seen.view is modal


async def test_errors_for_no_input_are_trouble(house: House) -> None:
    async def object_(ack: Any) -> None:
        await ack(response_action="errors", errors={"text": "Too dull."})

    house.submit = object_
    seen = await house.ada.submit(await open_modal(house), {"what": "hello"})
    assert seen.warning and not seen.errors and house.world.complaints


async def test_update_push_and_clear(house: House) -> None:
    answers: list[dict[str, Any]] = [
        {"response_action": "update", "view": MODAL | {"title": {"type": "plain_text", "text": "Second"}}},
        {"response_action": "push", "view": MODAL | {"title": {"type": "plain_text", "text": "Third"}}},
        {"response_action": "clear"},
    ]

    async def answer(ack: Any) -> None:
        await ack(**answers.pop(0))

    house.submit = answer
    modal = await open_modal(house)
    second = await house.ada.submit(modal, {"what": "hello"})
    assert second.view is not None and second.view.id == modal.id
    assert modal.body["title"]["text"] == "Second"
    assert modal.state["what"]["text"]["value"] == "hello"
    third = await house.ada.submit(modal)
    assert third.view is not None and third.view.previous_id == modal.id
    gone = await house.ada.submit(third.view, {"what": "again"})
    assert gone.view is None


async def test_closing_is_told(house: House) -> None:
    modal = await open_modal(house)
    assert (await house.ada.close(modal)).view is None
    assert house.heard[-1]["type"] == "view_closed" and house.heard[-1]["is_cleared"] is False


async def test_external_options(house: House) -> None:
    modal = await open_modal(house)
    options = await house.ada.suggest(modal, "client", "b")
    assert [option["value"] for option in options] == ["client-b"]
    house.ada.fill(modal, {"who": options[0]})
    assert modal.state["who"]["client"]["selected_option"]["value"] == "client-b"


async def test_confirm_dialogs_ask_first(house: House) -> None:
    message = await ask(house)
    kept = await house.ada.press(message, "drop", accept=False)
    assert kept.confirm is not None and kept.delivered is None
    await house.ada.press(message, "drop")
    assert [body["actions"][0]["action_id"] for body in house.heard] == ["drop"]


async def test_a_link_button_without_listener_warns(house: House) -> None:
    seen = await house.ada.press(await ask(house), "link")
    assert seen.url == "https://example.com/"
    assert seen.warning


async def test_only_what_is_on_the_screen_can_be_pressed(house: House) -> None:
    message = await ask(house)
    with pytest.raises(Impossible):
        await house.ada.press(message, "open", value="8")
    house.ada.delete(message)
    with pytest.raises(Impossible):
        await house.ada.press(message, "open")


async def test_an_unacknowledged_command_times_out(house: House) -> None:
    house.world.switches.ack_seconds = 0.2
    seen = await house.ada.command("/slow", "", house.general.id)
    assert seen.warning == '/slow failed with the error "operation_timeout"'
    house.world.faults.delivery_down = True
    seen = await house.ada.command("/connect", "", house.general.id)
    assert seen.warning == '/connect failed with the error "dispatch_failed"'


async def test_people_of_another_workspace_have_no_commands_but_buttons(house: House) -> None:
    theirs = house.world.add_team("client")
    carl = Person(house.world, house.world.add_user(theirs.id, "carl").id)
    house.general.connected_teams.add(theirs.id)
    house.general.members.add(carl.user.id)
    seen = await carl.command("/connect", "x", house.general.id)
    assert seen.warning == "`/connect` is not a valid command." and seen.delivered is None
    await carl.press(await ask(house), "drop")
    assert house.heard[0]["user"]["team_id"] == theirs.id
    assert house.heard[0]["team"]["id"] == house.ada.user.team_id


async def test_ephemerals_are_not_carried_in_payloads(house: House) -> None:
    bot = next(iter(house.world.installs.values()))
    secret = house.world.post(
        house.general, bot.bot_user_id, "psst", blocks=[ASK], ephemeral_to=house.ada.user.id
    )
    await house.ada.press(secret, "drop")
    assert "message" not in house.heard[0] and house.heard[0]["container"]["is_ephemeral"]


async def test_home_and_membership_events(house: House) -> None:
    house.ada.open_home()
    await house.world.until(lambda: house.ada.home is not None)
    other = house.world.add_channel(house.ada.user.team_id, "other", house.ada.user.id)
    house.ada.invite_bot(other.id)
    await house.world.until(lambda: bool(house.heard))
    assert house.heard[0]["event"]["channel"] == other.id


async def test_url_verification(house: House) -> None:
    assert await verify_url(house.world)


async def test_events_without_a_listener_are_retried_three_times(house: House) -> None:
    life.archive(house.world, house.general, house.ada.user.id)
    await house.world.drain()
    attempts = [d for d in house.world.delivered if d.kind == "events_api"]
    assert [(d.retry, d.status) for d in attempts] == [(0, 404), (1, 404), (2, 404), (3, 404)]
    assert len({d.payload["event_id"] for d in attempts}) == 1


async def test_response_urls_work_five_times_within_thirty_minutes(house: House) -> None:
    import httpx

    url = house.world.new_response_url("actions", house.general, house.ada.user.id)
    async with httpx.AsyncClient() as http:
        answers = [(await http.post(url, json={"text": "x"})).status_code for _ in range(6)]
        assert answers == [200] * 5 + [404]
        late = house.world.new_response_url("actions", house.general, house.ada.user.id)
        house.world.response_urls[late.rpartition("/")[2]].created -= 1801
        assert (await http.post(late, json={"text": "x"})).text == "expired_url"


async def test_removing_the_app_silences_it(house: House) -> None:
    team_id = house.ada.user.team_id
    life.uninstall(house.world, team_id)
    await house.world.drain()
    events = {d.payload["event"]["type"] for d in house.world.delivered}
    assert events == {"tokens_revoked", "app_uninstalled"}
    seen = await house.ada.command("/connect", "x", house.general.id)
    assert seen.warning == "`/connect` is not a valid command."
    before = len(house.world.delivered)
    house.ada.open_home()
    await house.world.drain()
    assert len(house.world.delivered) == before


async def test_guests_and_foreign_teams_are_switches(house: House) -> None:
    house.world.switches.guests_may_command = False
    guest = house.world.add_user(house.ada.user.team_id, "gus", is_ultra_restricted=True)
    house.general.members.add(guest.id)
    seen = await Person(house.world, guest.id).command("/connect", "x", house.general.id)
    assert seen.warning
    theirs = house.world.add_team("client")
    carl = Person(house.world, house.world.add_user(theirs.id, "carl").id)
    house.general.connected_teams.add(theirs.id)
    house.general.members.add(carl.user.id)
    house.world.switches.external_team_in_payload = True
    await carl.press(await ask(house), "drop")
    assert house.heard[0]["team"]["id"] == theirs.id
