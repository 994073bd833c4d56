"""The demo page: what it shows to whom, and what its forms do."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import pytest_asyncio
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.page import Panel, create_page_routes, create_slack_panel_routes, slack_panel
from sandbox.page.mrkdwn import mrkdwn_html
from sandbox.slack import AppConfig, Shortcut, SlackWorld
from sandbox.slack.blocks import with_ids
from sandbox.slack.models import Channel, Message, User, View
from sandbox.slack.views import make_view

pytestmark = pytest.mark.timeout(30)


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


OPTIONS = [{"text": plain("One"), "value": "1"}, {"text": plain("Two"), "value": "2"}]
MODAL: dict[str, Any] = {
    "type": "modal",
    "title": plain("New post"),
    "submit": plain("Schedule"),
    "blocks": [
        {
            "type": "input",
            "block_id": "text",
            "label": plain("Text"),
            "element": {"type": "plain_text_input", "action_id": "t", "multiline": True},
        },
        {
            "type": "input",
            "block_id": "when",
            "label": plain("When"),
            "element": {"type": "datetimepicker", "action_id": "w"},
        },
        {
            "type": "input",
            "block_id": "who",
            "label": plain("Accounts"),
            "element": {"type": "checkboxes", "action_id": "a", "options": OPTIONS},
        },
        {
            "type": "input",
            "block_id": "file",
            "label": plain("Picture"),
            "optional": True,
            "element": {"type": "file_input", "action_id": "f"},
        },
    ],
}


@dataclass
class House:
    """A world, its page, and what the bot was sent; `answer` is what the bot answers."""

    world: SlackWorld
    http: httpx.AsyncClient
    ada: User
    bob: User
    general: Channel
    heard: list[dict[str, Any]] = field(default_factory=list)
    answer: Response = field(default_factory=lambda: PlainTextResponse(""))

    async def page(self, user: User | None = None, **query: str) -> str:
        """The page as somebody sees it."""
        query = {"as": (user or self.ada).id, "channel": self.general.id, **query}
        return (await self.http.get("/", params=query)).text

    async def act(self, act: str, user: User | None = None, files: Any = None, **form: Any) -> str:
        """Sends a form of the page and gives the page after it."""
        data = {"as": (user or self.ada).id, "view_channel": self.general.id, **form}
        answer = await self.http.post(f"/page/act/{act}", data=data, files=files, follow_redirects=True)
        assert answer.status_code == 200
        return answer.text

    def post(self, *blocks: dict[str, Any], text: str = "Words", **facts: Any) -> Message:
        """A message of the bot's."""
        install = self.world.installs[self.ada.team_id]
        facts = {"blocks": with_ids(list(blocks)), "bot_id": install.bot_id, **facts}
        return self.world.post(self.general, install.bot_user_id, text, **facts)

    def open_modal(self) -> View:
        """Opens the modal for Ada."""
        body = {**MODAL, "blocks": with_ids(MODAL["blocks"])}
        view = make_view(self.world, body, self.ada.id, self.ada.team_id, None)
        self.world.modals[self.ada.id] = [view]
        return view


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    world = SlackWorld(app=AppConfig(shortcuts=(Shortcut("Make a post", "draft"),)))
    team = world.add_team("agency", "Bright Agency")
    install = world.install(team.id)
    ada = world.add_user(team.id, "ada", tz="Europe/Berlin", is_admin=True)
    bob = world.add_user(team.id, "bob", is_restricted=True)
    general = world.add_channel(team.id, "general", ada.id, bob.id, install.bot_user_id)
    panels = [Panel("clock", "Clock", lambda: Markup("<p>day 1</p>"))]

    def rewrite(address: str) -> str:
        return address.replace("https://x.com/", "/x.com/")

    app = Starlette(routes=create_page_routes(world, panels, rewrite))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page") as http:
        house = House(world, http, ada, bob, general)

        async def bot(request: Request) -> Response:
            form = parse_qs((await request.body()).decode())
            flat = {key: values[0] for key, values in form.items()}
            house.heard.append(json.loads(flat["payload"]) if "payload" in flat else flat)
            return house.answer

        routes = [Route("/slack/events", bot, methods=["POST"])]
        world.transport = httpx.ASGITransport(Starlette(routes=routes))
        yield house


async def test_blocks_are_drawn(house: House) -> None:
    button = {"type": "button", "action_id": "go", "text": plain("Reconnect"), "url": "https://x.com/login"}
    menu = {"type": "static_select", "action_id": "m", "options": OPTIONS, "placeholder": plain("Account")}
    overflow = {"type": "overflow", "action_id": "o", "options": OPTIONS}
    house.post(
        {"type": "header", "text": plain("Trouble")},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*bold*"}, "accessory": overflow},
        {"type": "section", "fields": [plain("left"), plain("right")]},
        {"type": "actions", "elements": [button, menu]},
        {"type": "divider"},
        {"type": "context", "elements": [plain("small")]},
        {"type": "image", "image_url": "https://x.com/a.png", "alt_text": "A cake"},
    )
    page = await house.page()
    for expected in ("<h3", "<strong>bold</strong>", "left", "right", "Account", "Two", "<hr", "small"):
        assert expected in page
    assert 'data-url="/x.com/login"' in page and 'src="/x.com/a.png"' in page and 'alt="A cake"' in page


async def test_hostile_words_stay_words(house: House) -> None:
    bad = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    section = {"type": "section", "text": {"type": "mrkdwn", "text": bad}}
    confirm = {"title": plain(bad), "text": plain(bad), "confirm": plain("Yes"), "deny": plain("No")}
    button = {"type": "button", "action_id": bad, "text": plain(bad), "value": bad, "confirm": confirm}
    house.post({"type": "header", "text": plain(bad)}, section, {"type": "actions", "elements": [button]})
    house.world.post(house.general, house.ada.id, bad + "<javascript:alert(1)|x>")
    page = await house.page(said=bad)
    assert "<script>" not in page and "<img src=x" not in page and 'href="javascript:' not in page


async def test_who_sees_what(house: House) -> None:
    house.post(text="for ada alone", ephemeral_to=house.ada.id)
    house.world.add_channel(house.ada.team_id, "hidden-room", house.ada.id, kind="private")
    mine, theirs = await house.page(), await house.page(house.bob)
    assert "for ada alone" in mine and "Only visible to you" in mine and "hidden-room" in mine
    assert "for ada alone" not in theirs and "hidden-room" not in theirs


async def test_threads(house: House) -> None:
    root = house.post(text="the root")
    house.post(text="quiet reply", thread_ts=root.ts)
    house.post(text="loud reply", thread_ts=root.ts, reply_broadcast=True)
    page = await house.page()
    assert "2 replies" in page and "loud reply" in page and "quiet reply" not in page
    assert "quiet reply" in await house.page(thread=root.ts)


async def test_the_composer_runs_commands(house: House) -> None:
    house.answer = PlainTextResponse("Which client?")
    page = await house.act("compose", channel=house.general.id, text="/connect instagram client-a")
    assert "Which client?" in page
    assert (house.heard[0]["command"], house.heard[0]["text"]) == ("/connect", "instagram client-a")


async def test_the_composer_says_everything_else(house: House) -> None:
    files = {"file": ("cake.jpg", b"\xff\xd8", "image/jpeg")}
    page = await house.act("compose", files=files, channel=house.general.id, text="hello")
    assert "hello" in page and "cake.jpg" in page and not house.heard
    file_id = next(iter(house.world.files))
    picture = await house.http.get(f"/page/file/{file_id}")
    assert picture.content == b"\xff\xd8" and picture.headers["content-type"] == "image/jpeg"


def pressed(page: str, action_id: str) -> str:
    """What the button with this action id sends."""
    found = re.search(rf'name="pressed" value="([^"]*{action_id}[^"]*)"', page)
    assert found is not None
    return Markup(found[1]).unescape()


async def test_buttons_work(house: House) -> None:
    button = {"type": "button", "action_id": "mine", "text": plain("I'm on it"), "value": "7"}
    message = house.post({"type": "actions", "elements": [button]})
    name = pressed(await house.page(), "mine")
    await house.act("press", where=message.ts, pressed=name)
    assert house.heard[0]["actions"][0]["value"] == "7"
    assert house.heard[0]["user"]["id"] == house.ada.id


async def test_menus_work(house: House) -> None:
    menu = {"type": "static_select", "action_id": "m", "options": OPTIONS}
    overflow = {"type": "overflow", "action_id": "o", "options": OPTIONS}
    message = house.post({"type": "actions", "block_id": "b", "elements": [menu, overflow]})
    place: dict[str, Any] = {"where": message.ts, "f:b:m": "2"}
    await house.act("press", pressed=json.dumps({"block_id": "b", "action_id": "m"}), **place)
    chosen = {"block_id": "b", "action_id": "o", "option": "1"}
    await house.act("press", pressed=json.dumps(chosen), **place)
    picked = [heard["actions"][0]["selected_option"]["value"] for heard in house.heard]
    assert picked == ["2", "1"]


async def test_a_button_that_is_gone_says_so(house: House) -> None:
    message = house.post()
    page = await house.act("press", where=message.ts, pressed='{"block_id": "b", "action_id": "x"}')
    assert "no longer there" in page and not house.heard


async def test_an_app_that_does_not_answer_is_told_to_the_person(house: House) -> None:
    button = {"type": "button", "action_id": "mine", "text": plain("Mine")}
    message = house.post({"type": "actions", "block_id": "b", "elements": [button]})
    house.answer = PlainTextResponse("", 500)
    page = await house.act("press", where=message.ts, pressed='{"block_id": "b", "action_id": "mine"}')
    assert "did not answer in time" in page


async def test_modals_are_filled_in_the_persons_zone(house: House) -> None:
    view = house.open_modal()
    assert "New post" in await house.page() and "New post" not in await house.page(house.bob)
    form: dict[str, Any] = {"f:text:t": "a\r\nb", "f:when:w": "2026-12-01T09:30", "f:who:a": ["1", "2"]}
    files = {"f:file:f": ("cake.jpg", b"\xff\xd8", "image/jpeg")}
    page = await house.act("submit", files=files, where=view.id, **form)
    values = house.heard[0]["view"]["state"]["values"]
    assert values["text"]["t"]["value"] == "a\nb"
    assert values["when"]["w"]["selected_date_time"] == 1_796_113_800
    assert [option["value"] for option in values["who"]["a"]["selected_options"]] == ["1", "2"]
    assert values["file"]["f"]["files"][0]["name"] == "cake.jpg"
    assert "New post" not in page


async def test_errors_stand_in_the_modal_and_what_was_typed_stays(house: House) -> None:
    view = house.open_modal()
    errors = {"text": "Too long for X."}
    house.answer = JSONResponse({"response_action": "errors", "errors": errors})
    form: dict[str, Any] = {"f:text:t": "my words", "f:when:w": "2026-12-01T09:30", "f:who:a": "1"}
    page = await house.act("submit", where=view.id, **form)
    assert "Too long for X." in page and "my words" in page and "2026-12-01T09:30" in page


async def test_home(house: House) -> None:
    blocks = with_ids([{"type": "header", "text": plain("Your clients")}])
    view = make_view(house.world, {"type": "home", "blocks": blocks}, house.ada.id, house.ada.team_id, None)
    house.world.homes[house.ada.id] = view
    assert "Your clients" in await house.page(channel="home")
    assert "Your clients" not in await house.page(house.bob, channel="home")


async def test_channels_and_messages_are_managed(house: House) -> None:
    bot = house.world.installs[house.ada.team_id].bot_user_id
    await house.act("manage", channel=house.general.id, what="remove_bot")
    assert bot not in house.general.members
    await house.act("manage", channel=house.general.id, what="invite_bot")
    assert bot in house.general.members
    message = house.post(text="soon gone")
    assert "soon gone" not in await house.act("delete", where=message.ts)
    assert "archived" in await house.act("manage", channel=house.general.id, what="archive")
    await house.world.drain()


async def test_message_shortcuts(house: House) -> None:
    message = house.post(text="a draft")
    assert "Make a post" in await house.page()
    await house.act("shortcut", where=message.ts, callback_id="draft")
    assert (house.heard[0]["type"], house.heard[0]["message"]["text"]) == ("message_action", "a draft")


async def test_panels_stand_beside_it(house: House) -> None:
    assert "<p>day 1</p>" in await house.page()


async def test_the_version_moves_with_the_world(house: House) -> None:
    before = (await house.http.get("/page/version")).text
    assert (await house.http.get("/page/version")).text == before
    house.post()
    assert (await house.http.get("/page/version")).text != before


async def test_nonsense_addresses_show_something_sensible(house: House) -> None:
    answer = await house.http.get("/", params={"as": "U404", "channel": "C404", "thread": "1.2"})
    assert answer.status_code == 200 and "Bright Agency" in answer.text
    assert (await house.http.post("/page/act/fly", data={"as": house.ada.id})).status_code == 404


async def test_static_files_are_served(house: House) -> None:
    for name in ("page.css", "page.js"):
        assert (await house.http.get(f"/page/static/{name}")).status_code == 200


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*b* _i_ ~s~ `c*d*`", "<strong>b</strong> <em>i</em> <s>s</s> <code>c*d*</code>"),
        ("2*3*4 snake_case_name", "2*3*4 snake_case_name"),
        ("a\nb", "a<br>b"),
        ("&gt; quoted\nnext", "<blockquote>quoted</blockquote>next"),
        ("&lt;!channel&gt; &amp;amp;", "&lt;!channel&gt; &amp;amp;"),
        ("<!channel>", '<span class="mention">@channel</span>'),
        (
            "*<https://e.com/?a=1&amp;b=2|a>*",
            '<strong><a href="https://e.com/?a=1&amp;b=2" target="_blank" rel="noopener">a</a></strong>',
        ),
        (":white_check_mark: :unknown:", "✅ :unknown:"),
        (":red_circle:", '<span class="dot dot-red" role="img" aria-label="red" title="red"></span>'),
        ("```a\n*b*```", "<pre>a\n*b*</pre>"),
    ],
)
async def test_mrkdwn(house: House, text: str, html: str) -> None:
    assert mrkdwn_html(house.world, house.ada, text, lambda address: address) == html


async def test_mentions_and_dates(house: House) -> None:
    text = f"<@{house.bob.id}> <#{house.general.id}> <!date^1796113800^{{date_num}} {{time}}|later>"
    html = mrkdwn_html(house.world, house.ada, text, lambda address: address)
    assert "@Bob" in html and "#general" in html and "2026-12-01 09:30" in html


async def test_slacks_own_troubles_are_a_panel(house: House) -> None:
    panel = slack_panel(house.world)
    assert "Slack works." in panel.render()
    app = Starlette(routes=list(create_slack_panel_routes(house.world)))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page") as http:
        await http.post("/page/slack-faults", data={"what": "outage", "outage": "503"})
        await http.post("/page/slack-faults", data={"what": "delivery"})
        assert "503" in panel.render() and "no more" in panel.render()
        await http.post("/page/slack-faults", data={"what": "clear"})
        assert "Slack works." in panel.render()


async def test_typed_brackets_stay_brackets(house: House) -> None:
    page = await house.act("compose", channel=house.general.id, text="a <!channel> & b")
    assert "a &lt;!channel&gt; &amp; b" in page
    assert [m.text for m in house.general.messages.values()] == ["a &lt;!channel&gt; &amp; b"]
