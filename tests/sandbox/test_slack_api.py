"""The Web API twin, spoken to with slack_sdk's own client over real HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette

from sandbox.slack import Person, SlackWorld, create_slack_routes
from sandbox.slack.models import Channel, User
from sandbox.slack.testing import serving

pytestmark = pytest.mark.timeout(30)
SECTION: dict[str, Any] = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}


class Clock:
    """Real time that a test can move."""

    now = 1_795_210_662.0

    def __call__(self) -> float:
        return self.now


@dataclass
class House:
    """A small workspace and a client that speaks for the app."""

    world: SlackWorld
    url: str
    client: AsyncWebClient
    ada: User
    general: Channel
    clock: Clock

    async def refused(self, method: str, **args: Any) -> dict[str, Any]:
        """The answer to a call that must fail."""
        with pytest.raises(SlackApiError) as caught:
            await self.client.api_call(method, json=args)
        answer = caught.value.response.data
        assert isinstance(answer, dict)
        return answer

    async def error(self, method: str, **args: Any) -> str:
        """Only its error code."""
        return str((await self.refused(method, **args))["error"])


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    clock = Clock()
    world = SlackWorld(clock=clock)
    team = world.add_team("agency")
    install = world.install(team.id)
    ada = world.add_user(team.id, "ada", tz="Europe/Berlin", is_admin=True)
    general = world.add_channel(team.id, "general", ada.id, install.bot_user_id)
    async with serving(Starlette(routes=list(create_slack_routes(world)))) as url:
        client = AsyncWebClient(install.token, base_url=f"{url}/slack.com/api/", retry_handlers=[])
        yield House(world, url, client, ada, general, clock)


async def test_auth_test_names_the_workspace(house: House) -> None:
    answer = await house.client.auth_test()
    install = house.world.installs[answer["team_id"]]
    assert (answer["user_id"], answer["bot_id"]) == (install.bot_user_id, install.bot_id)


async def test_tokens_are_looked_at(house: House) -> None:
    house.client.token = None
    assert await house.error("auth.test") == "not_authed"
    house.client.token = "xoxb-wrong"
    assert await house.error("auth.test") == "invalid_auth"
    house.client.token = house.world.app.app_token
    assert await house.error("auth.test") == "not_allowed_token_type"


async def test_a_revoked_installation_answers_account_inactive(house: House) -> None:
    house.world.installs[house.ada.team_id].revoked = True
    assert await house.error("chat.postMessage", channel=house.general.id, text="x") == "account_inactive"


async def test_missing_scope_says_what_is_needed_and_provided(house: House) -> None:
    house.world.installs[house.ada.team_id].scopes.discard("chat:write")
    answer = await house.refused("chat.postMessage", channel=house.general.id, text="x")
    assert (answer["error"], answer["needed"]) == ("missing_scope", "chat:write")
    assert "users:read" in answer["provided"]


async def test_private_channels_need_groups_read(house: House) -> None:
    install = house.world.installs[house.ada.team_id]
    secret = house.world.add_channel(house.ada.team_id, "secret", install.bot_user_id, kind="private")
    install.scopes.discard("groups:read")
    with pytest.raises(SlackApiError) as caught:
        await house.client.conversations_info(channel=secret.id)
    assert caught.value.response["needed"] == "groups:read"


async def test_unknown_method(house: House) -> None:
    assert await house.error("chat.shout") == "unknown_method"


async def test_where_the_bot_is_not(house: House) -> None:
    public = house.world.add_channel(house.ada.team_id, "open", house.ada.id)
    private = house.world.add_channel(house.ada.team_id, "closed", house.ada.id, kind="private")
    assert await house.error("chat.postMessage", channel=public.id, text="x") == "not_in_channel"
    assert await house.error("chat.postMessage", channel=private.id, text="x") == "channel_not_found"
    assert await house.error("chat.postMessage", channel="C404", text="x") == "channel_not_found"
    assert await house.error("chat.postMessage", channel="#general", text="x") == "channel_not_found"
    assert await house.error("chat.postMessage", channel="U404", text="x") == "channel_not_found"
    house.general.is_archived = True
    assert await house.error("chat.postMessage", channel=house.general.id, text="x") == "is_archived"


async def test_a_user_id_opens_the_direct_message(house: House) -> None:
    first = await house.client.chat_postMessage(channel=house.ada.id, text="psst")
    second = await house.client.chat_postMessage(channel=house.ada.id, text="again")
    assert first["channel"] == second["channel"] and str(first["channel"]).startswith("D")
    house.world.app.messages_tab = False
    assert await house.error("chat.postMessage", channel=house.ada.id, text="x") == "messages_tab_disabled"


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({}, "no_text"),
        ({"text": "  "}, "no_text"),
        ({"text": "x", "blocks": {"type": "divider"}}, "invalid_blocks_format"),
        ({"text": "x", "blocks": "[{"}, "invalid_blocks_format"),
        ({"text": "x", "blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
        ({"text": "x", "thread_ts": "yesterday"}, "invalid_thread_ts"),
        ({"text": "x", "metadata": {"event_type": "n"}}, "invalid_metadata_schema"),
        (
            {"text": "x", "metadata": {"event_type": "n", "event_payload": {"a": "b" * 17_000}}},
            "metadata_too_large",
        ),
        ({"text": "x", "metadata": {"event_payload": {}}}, "invalid_metadata_format"),
    ],
)
async def test_what_cannot_be_posted(house: House, args: dict[str, Any], error: str) -> None:
    assert await house.error("chat.postMessage", channel=house.general.id, **args) == error
    assert house.general.messages == {}


async def test_invalid_blocks_say_where_and_why(house: House) -> None:
    answer = await house.refused(
        "chat.postMessage", channel=house.general.id, text="x", blocks=[{"type": "header"}]
    )
    lines = answer["response_metadata"]["messages"]
    assert lines == ["[ERROR] missing required field: text [json-pointer:/blocks/0]"]


async def test_a_reply_to_a_deleted_parent_lands_in_the_channel(house: House) -> None:
    root = await house.client.chat_postMessage(channel=house.general.id, text="root")
    ok = await house.client.chat_postMessage(channel=house.general.id, text="in", thread_ts=root["ts"])
    assert ok["message"]["thread_ts"] == root["ts"]
    await house.client.chat_delete(channel=house.general.id, ts=root["ts"])
    lost = await house.client.chat_postMessage(channel=house.general.id, text="out", thread_ts=root["ts"])
    assert "thread_ts" not in lost["message"]


async def test_an_answer_to_an_answer_is_refused(house: House) -> None:
    root = await house.client.chat_postMessage(channel=house.general.id, text="root")
    reply = await house.client.chat_postMessage(channel=house.general.id, text="in", thread_ts=root["ts"])
    error = await house.error("chat.postMessage", channel=house.general.id, text="x", thread_ts=reply["ts"])
    assert error == "cannot_reply_to_message"


async def test_broadcast_replies_show_in_the_channel(house: House) -> None:
    channel, ada = house.general.id, Person(house.world, house.ada.id)
    root = await house.client.chat_postMessage(channel=channel, text="root")
    await house.client.chat_postMessage(channel=channel, text="quiet", thread_ts=root["ts"])
    await house.client.chat_postMessage(
        channel=channel, text="loud", thread_ts=root["ts"], reply_broadcast=True
    )
    assert [message.text for message in ada.sees(channel)] == ["root", "loud"]
    assert [message.text for message in ada.sees(channel, root["ts"])] == ["root", "quiet", "loud"]


async def test_timestamps_are_unique_and_rise(house: House) -> None:
    posts = [await house.client.chat_postMessage(channel=house.general.id, text="x") for _ in range(5)]
    stamps = [post["ts"] for post in posts]
    assert stamps == sorted(set(stamps))


async def test_update_keeps_blocks_unless_told(house: House) -> None:
    posted = await house.client.chat_postMessage(channel=house.general.id, text="a", blocks=[SECTION])
    place = {"channel": house.general.id, "ts": posted["ts"]}
    await house.client.api_call("chat.update", json={**place, "text": "b"})
    message = house.general.messages[posted["ts"]]
    assert (message.text, len(message.blocks)) == ("b", 1)
    await house.client.api_call("chat.update", json={**place, "text": "b", "blocks": []})
    assert message.blocks == []


async def test_what_cannot_be_updated(house: House) -> None:
    place = {"channel": house.general.id, "text": "x"}
    assert await house.error("chat.update", ts="1.000001", **place) == "message_not_found"
    theirs = Person(house.world, house.ada.id).say(house.general.id, "mine")
    assert await house.error("chat.update", ts=theirs.ts, **place) == "cant_update_message"
    assert await house.error("chat.delete", ts=theirs.ts, channel=house.general.id) == "cant_delete_message"
    own = await house.client.chat_postMessage(channel=house.general.id, text="x")
    long = {"channel": house.general.id, "text": "x" * 4001}
    assert await house.error("chat.update", ts=own["ts"], **long) == "msg_too_long"


async def test_ephemerals_reach_one_member(house: House) -> None:
    bob = house.world.add_user(house.ada.team_id, "bob")
    channel = house.general.id
    assert (
        await house.error("chat.postEphemeral", channel=channel, user=bob.id, text="x")
        == "user_not_in_channel"
    )
    house.general.members.add(bob.id)
    sent = await house.client.chat_postEphemeral(channel=channel, user=bob.id, text="for bob")
    assert [m.text for m in Person(house.world, bob.id).sees(channel)] == ["for bob"]
    assert Person(house.world, house.ada.id).sees(channel) == []
    error = await house.error("chat.update", channel=channel, ts=sent["message_ts"], text="x")
    assert error == "message_not_found"


async def test_permalink(house: House) -> None:
    posted = await house.client.chat_postMessage(channel=house.general.id, text="x")
    link = await house.client.chat_getPermalink(channel=house.general.id, message_ts=posted["ts"])
    expected = f"https://agency.slack.com/archives/{house.general.id}/p{posted['ts'].replace('.', '')}"
    assert link["permalink"] == expected


async def test_lists_page(house: House) -> None:
    for number in range(4):
        house.world.add_channel(house.ada.team_id, f"more-{number}")
    names, cursor = [], ""
    while True:
        page = await house.client.conversations_list(limit=2, cursor=cursor)
        names += [channel["name"] for channel in page["channels"]]
        cursor = page["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert names == ["general", "more-0", "more-1", "more-2", "more-3"]


async def test_people(house: House) -> None:
    elsewhere = house.world.add_team("client")
    stranger = house.world.add_user(elsewhere.id, "carl", is_stranger=True)
    known = await house.client.users_info(user=house.ada.id)
    assert known["user"]["tz"] == "Europe/Berlin" and known["user"]["is_admin"]
    with pytest.raises(SlackApiError, match="user_not_visible"):
        await house.client.users_info(user=stranger.id)
    with pytest.raises(SlackApiError, match="user_not_found"):
        await house.client.users_info(user="U404")


MODAL: dict[str, Any] = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Compose"},
    "blocks": [SECTION],
}


async def test_triggers_work_once_and_soon(house: House) -> None:
    trigger = house.world.new_trigger(house.ada.id, house.ada.team_id)
    opened = await house.client.views_open(trigger_id=trigger, view=MODAL)
    assert opened["view"]["hash"]
    assert await house.error("views.open", trigger_id=trigger, view=MODAL) == "exchanged_trigger_id"
    late = house.world.new_trigger(house.ada.id, house.ada.team_id)
    house.clock.now += 3.1
    assert await house.error("views.open", trigger_id=late, view=MODAL) == "expired_trigger_id"
    assert await house.error("views.open", trigger_id="1.2.3", view=MODAL) == "invalid_trigger_id"


async def test_views_update_knows_hashes(house: House) -> None:
    trigger = house.world.new_trigger(house.ada.id, house.ada.team_id)
    opened = await house.client.views_open(trigger_id=trigger, view=MODAL)
    view_id, first = opened["view"]["id"], opened["view"]["hash"]
    await house.client.views_update(view_id=view_id, hash=first, view=MODAL)
    assert await house.error("views.update", view_id=view_id, hash=first, view=MODAL) == "hash_conflict"
    assert await house.error("views.update", view_id="V404", view=MODAL) == "not_found"


async def test_home_is_published_with_a_hash(house: House) -> None:
    home = {"type": "home", "blocks": [SECTION]}
    shown = await house.client.views_publish(user_id=house.ada.id, view=home)
    await house.client.views_publish(user_id=house.ada.id, view=home)
    old = shown["view"]["hash"]
    assert await house.error("views.publish", user_id=house.ada.id, view=home, hash=old) == "hash_conflict"
    house.world.app.home_tab = False
    assert await house.error("views.publish", user_id=house.ada.id, view=home) == "not_enabled"


async def test_views_are_validated(house: House) -> None:
    trigger = house.world.new_trigger(house.ada.id, house.ada.team_id)
    huge = {**MODAL, "private_metadata": "x" * 3001}
    answer = await house.refused("views.open", trigger_id=trigger, view=huge)
    assert answer["error"] == "invalid_arguments"
    assert "3001" in answer["response_metadata"]["messages"][0]
    field = {"type": "plain_text", "text": "x" * 2000}
    big = {**MODAL, "blocks": [{"type": "section", "fields": [field] * 10}] * 13}
    assert await house.error("views.open", trigger_id=trigger, view=big) == "view_too_large"
    await house.client.views_open(trigger_id=trigger, view=MODAL)


async def test_blocks_validate_reports_without_posting(house: House) -> None:
    bad = await house.client.blocks_validate(blocks=[{"type": "header"}])
    assert not bad["valid"] and bad["errors"][0]["pointer"] == "/blocks/0"
    good = await house.client.blocks_validate(blocks=[SECTION])
    assert good["valid"]


async def test_private_files_want_a_bearer(house: House) -> None:
    file = Person(house.world, house.ada.id).upload("a.jpg", b"\xff\xd8\xff", "image/jpeg")
    info = await house.client.files_info(file=file.id)
    path = info["file"]["url_private"].replace("https://", f"{house.url}/")
    async with httpx.AsyncClient() as http:
        page = await http.get(path)
        picture = await http.get(path, headers={"Authorization": f"Bearer {house.client.token}"})
    assert page.headers["content-type"].startswith("text/html")
    assert picture.content == b"\xff\xd8\xff"


@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
async def test_installing_through_oauth(house: House) -> None:
    redirect = "http://127.0.0.1/slack/oauth_redirect"
    app = house.world.app
    query = {
        "client_id": app.client_id,
        "scope": "chat:write,commands",
        "state": "s",
        "redirect_uri": redirect,
    }
    async with httpx.AsyncClient() as http:
        page = f"{house.url}/slack.com/oauth/v2/authorize"
        assert "chat:write" in (await http.get(page, params=query)).text
        allowed = await http.post(page, params=query, data={"team": house.ada.team_id, "user": house.ada.id})
        refused = await http.post(page, params=query, data={})
    assert "error=access_denied" in refused.headers["location"]
    code = httpx.URL(allowed.headers["location"]).params["code"]
    house.client.token = None
    keys: dict[str, Any] = {
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "redirect_uri": redirect,
    }
    with pytest.raises(SlackApiError, match="bad_redirect_uri"):
        await house.client.oauth_v2_access(**{**keys, "redirect_uri": "http://else"}, code=code)
    granted = await house.client.oauth_v2_access(**keys, code=code)
    assert granted["scope"] == "chat:write,commands"
    assert granted["access_token"] == house.world.installs[house.ada.team_id].token
    with pytest.raises(SlackApiError, match="code_already_used"):
        await house.client.oauth_v2_access(**keys, code=code)
    with pytest.raises(SlackApiError, match="bad_client_secret"):
        await house.client.oauth_v2_access(**{**keys, "client_secret": "no"}, code=code)


async def test_calls_are_recorded_without_tokens(house: House) -> None:
    await house.client.chat_postMessage(channel=house.general.id, text="hello")
    assert house.world.counts()["chat.postMessage"] == 1
    said = "".join(house.world.everything_said())
    assert "hello" in said and not any(secret in said for secret in house.world.secrets())


async def test_membership_methods_want_their_scopes(house: House) -> None:
    install = house.world.installs[house.ada.team_id]
    other = house.world.add_channel(house.ada.team_id, "other", house.ada.id)
    assert (await house.refused("conversations.join", channel=other.id))["needed"] == "channels:join"
    assert (await house.refused("conversations.open", users=house.ada.id))["needed"] == "im:write"
    install.scopes |= {"channels:join", "im:write"}
    joined = await house.client.conversations_join(channel=other.id)
    assert joined["channel"]["is_member"]
    members = await house.client.conversations_members(channel=other.id)
    assert set(members["members"]) == {house.ada.id, install.bot_user_id}
    opened = await house.client.conversations_open(users=house.ada.id)
    assert str(opened["channel"]["id"]).startswith("D")


async def test_bodies_that_slack_cannot_read(house: House) -> None:
    url = f"{house.url}/slack.com/api/chat.postMessage"
    headers = {"Authorization": f"Bearer {house.client.token}"}
    kinds = {"application/json": "invalid_json", "text/plain": "invalid_post_type"}
    async with httpx.AsyncClient() as http:
        for kind, error in kinds.items():
            answer = await http.post(url, content="{", headers={**headers, "Content-Type": kind})
            assert answer.json()["error"] == error
        array = await http.post(url, json=[1], headers=headers)
        assert array.json()["error"] == "json_not_object"
        query = await http.get(url, params={"token": str(house.client.token)})
        assert query.json()["error"] == "not_authed"
