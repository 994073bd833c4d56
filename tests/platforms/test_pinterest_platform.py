"""Pinterest: consent, upkeep, boards, pins and looks, against a small strict stand-in."""

from __future__ import annotations

import base64
import email
import email.policy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.http import NoAnswer, Response
from bot.platforms.base import Found, Ready, Target, Tokens
from bot.platforms.content import Content
from bot.platforms.errors import Kind, PlatformError, Reason
from bot.platforms.pinterest import Pinterest
from bot.platforms.pinterest_pins import LOOKS_MOST, TRIES, UPLOAD_DEADLINE
from tests.platforms.platform_fakes import APP, REDIRECT, reply
from tests.platforms.upload_fakes import TRIAL_APP, File, Seen, call_of, film_of, picture, walk

PLATFORM = Pinterest()
TARGET = Target("549755885175", "lamp/autumn-lights", "pina_1")
SINCE = datetime(2026, 11, 20, 10, 0, 0, 400_000, tzinfo=UTC)
DATA = bytes(range(25))
PIN = Content(text="Open late", title="Lamps", link="https://lamp.example/a", media=(picture(alt="A lamp"),))
FILM = Content(text="Open late", media=(film_of(DATA),))
STORE = "pinterest-media-upload.s3-accelerate.amazonaws.com"


def board(number: str, name: str, privacy: str = "PUBLIC") -> dict[str, object]:
    return {"id": number, "name": name, "privacy": privacy}


@dataclass
class TinyPinterest:
    """One business account with boards; each refresh spends the token before it."""

    code: str = "c1"
    generation: int = 0
    pages: list[list[dict[str, object]]] = field(
        default_factory=lambda: [
            [board("549755885175", "Autumn Lights!"), board("7", "Plans", "SECRET")],
            [board("8", "Über uns")],
        ]
    )
    pins: list[Any] = field(default_factory=list)
    status: list[str] = field(default_factory=lambda: ["registered", "processing", "succeeded"])
    stored: list[dict[str, object]] = field(default_factory=list)
    refused: int = 0
    registered: int = 0
    pin_status: int = 201

    def __call__(self, seen: Seen) -> Response:
        if seen.host == STORE:
            return self.store(seen)
        assert seen.host == "api.pinterest.com" and seen.path.startswith("/v5/")
        if seen.path == "/v5/oauth/token":
            return self.token(seen)
        if seen.bearer != "Bearer pina_1":
            return reply(401, {"code": 2, "message": "Authentication failed."})
        return self.api(seen, seen.path.removeprefix("/v5"))

    def token(self, seen: Seen) -> Response:
        if seen.bearer != "Basic " + base64.b64encode(b"app-1:app-secret").decode():
            return reply(401, {"code": 2, "message": "Authentication failed."})
        assert seen.form["continuous_refresh"] == "true"
        grant = seen.form["grant_type"]
        dead = reply(401, {"code": 283, "message": "The authorization grant is invalid"})
        if grant == "authorization_code":
            if (seen.form["code"], seen.form["redirect_uri"]) != (self.code, REDIRECT):
                return dead
            self.code = ""
        elif seen.form["refresh_token"] != f"pinr.{self.generation}":
            return dead
        self.generation += 1
        body = {"access_token": f"pina_{self.generation}", "refresh_token": f"pinr.{self.generation}"}
        body |= {"response_type": grant, "token_type": "bearer", "scope": "boards:read pins:read"}
        ends = {"expires_in": 2592000, "refresh_token_expires_in": 5184000, "refresh_token_expires_at": 1}
        return reply(200, body | ends)

    def api(self, seen: Seen, path: str) -> Response:
        if path == "/user_account":
            return reply(200, {"id": "9", "username": "lamp", "business_name": "Lamp & Co"})
        if path == "/boards":
            assert seen.query["page_size"] == "250"
            at = int(seen.query.get("bookmark", "0"))
            more = str(at + 1) if at + 1 < len(self.pages) else None
            return reply(200, {"items": self.pages[at], "bookmark": more})
        if path == "/pins":
            self.pins.append(seen.json)
            return reply(self.pin_status, {"id": "813744226420795884", "board_id": TARGET.account_id})
        if path == "/media":
            assert seen.json == {"media_type": "video"}
            self.registered += 1
            parameters = {"key": "uploads/a", "policy": "p+/=", "Content-Type": "multipart/form-data"}
            made = {"media_id": "12345", "media_type": "video", "upload_url": f"https://{STORE}/"}
            return reply(201, made | {"upload_parameters": parameters})
        assert path == "/media/12345"
        return reply(200, {"status": self.status[0] if len(self.status) == 1 else self.status.pop(0)})

    def store(self, seen: Seen) -> Response:
        assert (seen.method, seen.bearer) == ("POST", None)
        assert seen.headers["content-length"] == str(len(seen.content))
        if self.refused:
            self.refused -= 1
            return reply(403, "<Error><Code>AccessDenied</Code></Error>")
        raw = f"Content-Type: {seen.headers['content-type']}\r\n\r\n".encode() + seen.content
        form = email.message_from_bytes(raw, policy=email.policy.HTTP)
        parts: dict[str, object] = {
            str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
            for part in form.iter_parts()
        }
        assert list(parts)[-1] == "file"
        self.stored.append(parts)
        return reply(204, "")


def test_authorization_url() -> None:
    url = PLATFORM.authorization_url(APP, REDIRECT, "st&te", None)
    assert url.startswith("https://www.pinterest.com/oauth/?")
    assert {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()} == {
        "response_type": "code",
        "client_id": "app-1",
        "redirect_uri": REDIRECT,
        "scope": "user_accounts:read,boards:read,boards:write,pins:read,pins:write",
        "state": "st&te",
    }


async def test_consent_then_rotation_then_the_spent_token_is_dead() -> None:
    call, http = call_of(TinyPinterest(), not_after=7.0)
    first = await PLATFORM.exchange(call, "c1", REDIRECT, None)
    assert (first.expires_in, first.refresh_expires_in) == (2592000, 5184000)
    assert first.scopes == frozenset({"boards:read", "pins:read"})
    second = await PLATFORM.refresh(call, first)
    assert (second.access_token, second.refresh_token) == ("pina_2", "pinr.2")
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.refresh(call, first)
    assert refused.value.verdict.kind is Kind.DEAD
    assert {seen.not_after for seen in http.seen} == {7.0}
    with pytest.raises(PlatformError):
        await PLATFORM.refresh(call, Tokens("pina_2"))
    assert len(http.seen) == 3


async def test_a_refused_app_is_not_the_persons_fault() -> None:
    call, _ = call_of(TinyPinterest(), app=TRIAL_APP)
    assert (await PLATFORM.exchange(call, "c1", REDIRECT, None)).access_token == "pina_1"
    call, _ = call_of(lambda _: reply(401, {"code": 2, "message": "Authentication failed."}))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.refresh(call, Tokens("a", "r"))
    assert refused.value.verdict.kind is Kind.APP


async def test_a_connection_is_a_board() -> None:
    twin = TinyPinterest()
    call, _ = call_of(twin)
    found = await PLATFORM.discover(call, Tokens("pina_1"))
    assert (found.subject, found.subject_name) == ("9", "Lamp & Co")
    assert [(account.id, account.handle, account.name) for account in found.accounts] == [
        ("549755885175", "lamp/autumn-lights", "Autumn Lights!"),
        ("8", "lamp/über-uns", "Über uns"),
    ]
    assert (await PLATFORM.probe(call, TARGET)).id == TARGET.account_id
    assert (await PLATFORM.probe(call, Target("8", "lamp/x", "pina_1"))).name == "Über uns"
    twin.pages = [[]]
    assert (await PLATFORM.discover(call, Tokens("pina_1"))).accounts == ()
    with pytest.raises(PlatformError) as gone:
        await PLATFORM.probe(call, TARGET)
    assert gone.value.verdict.reason is Reason.TARGET_GONE


async def test_there_is_nothing_to_revoke_with() -> None:
    call, http = call_of(TinyPinterest())
    assert not await PLATFORM.revoke(call, Tokens("pina_1"))
    assert http.seen == []


@pytest.mark.parametrize("status", [200, 201])
async def test_a_pin_is_one_request(status: int) -> None:
    twin = TinyPinterest(pin_status=status)
    call, http = call_of(twin, not_after=5.0)
    assert await PLATFORM.prepare(call, TARGET, PIN, {}) == Ready({})
    sent = await PLATFORM.send(call, TARGET, PIN, {})
    assert http.calls() == ["POST /v5/pins"] and http.seen[0].not_after == 5.0
    assert (sent.external_id, sent.visibility) == ("813744226420795884", None)
    assert sent.permalink == "https://www.pinterest.com/pin/813744226420795884/"
    assert twin.pins == [
        {
            "board_id": "549755885175",
            "title": "Lamps",
            "description": "Open late",
            "link": "https://lamp.example/a",
            "alt_text": "A lamp",
            "media_source": {"source_type": "image_url", "url": PIN.media[0].url},
        }
    ]


async def test_several_pictures_are_one_pin_and_trial_pins_are_private() -> None:
    twin = TinyPinterest()
    call, _ = call_of(twin, app=TRIAL_APP)
    content = Content(media=(picture(1), picture(2)))
    assert (await PLATFORM.send(call, TARGET, content, {})).visibility == "private"
    source = {"source_type": "multiple_image_urls", "items": [{"url": item.url} for item in content.media]}
    assert twin.pins == [{"board_id": "549755885175", "media_source": source}]


async def test_a_film_is_registered_sent_as_a_form_and_watched() -> None:
    twin = TinyPinterest()
    call, http = call_of(twin, File(DATA))
    ready = await walk(PLATFORM, call, TARGET, FILM)
    assert twin.stored == [
        {
            "key": b"uploads/a",
            "policy": b"p+/=",
            "Content-Type": b"multipart/form-data",
            "file": DATA,
        }
    ]
    assert [seen.deadline for seen in http.seen if seen.host == STORE] == [UPLOAD_DEADLINE]
    await PLATFORM.send(call, TARGET, FILM, ready.handles)
    source = twin.pins[0]["media_source"]
    assert source == {"source_type": "video_id", "media_id": "12345", "cover_image_key_frame_time": 1}


async def test_an_upload_that_the_store_refuses_is_registered_anew_a_few_times() -> None:
    twin = TinyPinterest(refused=2)
    call, _ = call_of(twin, File(DATA))
    await walk(PLATFORM, call, TARGET, FILM)
    assert twin.registered == 3
    twin = TinyPinterest(refused=99)
    call, _ = call_of(twin, File(DATA))
    with pytest.raises(PlatformError) as refused:
        await walk(PLATFORM, call, TARGET, FILM)
    assert refused.value.verdict.kind is Kind.UNCLEAR
    assert twin.registered == TRIES + 1


async def test_films_that_fail_or_stay_or_are_gone() -> None:
    call, _ = call_of(TinyPinterest(status=["failed"]), File(DATA))
    with pytest.raises(PlatformError) as refused:
        await walk(PLATFORM, call, TARGET, FILM)
    assert refused.value.verdict.kind is Kind.CONTENT
    call, _ = call_of(TinyPinterest(status=["processing"]), File(DATA))
    stuck = {"media_id": "12345", "uploaded": "1", "looks": str(LOOKS_MOST)}
    with pytest.raises(PlatformError) as later:
        await PLATFORM.prepare(call, TARGET, FILM, stuck)
    assert later.value.verdict.kind is Kind.NOT_READY
    call, http = call_of(TinyPinterest(), File(DATA, gone=True))
    with pytest.raises(PlatformError) as gone:
        await walk(PLATFORM, call, TARGET, FILM)
    assert gone.value.verdict.reason is Reason.MEDIA_UNREACHABLE
    assert http.calls() == ["POST /v5/media"]


async def test_bytes_go_to_the_store_only() -> None:
    call, http = call_of(TinyPinterest(), File(DATA))
    handles = {"media_id": "1", "address": "https://evil.example/", "form": "{}"}
    with pytest.raises(Exception, match="not allowed"):
        await PLATFORM.prepare(call, TARGET, FILM, handles)
    assert http.seen == []


@pytest.mark.parametrize("body", ["", "<html>", {"id": None}, {"code": 0}])
async def test_a_pin_without_an_id_is_unclear(body: object) -> None:
    call, _ = call_of(lambda _: reply(201, body))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.send(call, TARGET, PIN, {})
    assert refused.value.verdict.kind is Kind.UNCLEAR


def item(number: str, at: str = "2026-11-20T10:00:00", **more: object) -> dict[str, object]:
    words = {"title": "Lamps", "description": "Open late", "link": "https://lamp.example/a"}
    return {"id": number, "created_at": at} | words | more


OLD = item("0", "2026-11-19T10:00:00Z", title="Old")


async def look(body: object, content: Content = PIN, taken: frozenset[str] = frozenset()) -> Any:
    call, http = call_of(lambda _: reply(200, body))
    found = await PLATFORM.look(call, TARGET, content, {}, SINCE, taken)
    assert http.calls() == ["GET /v5/boards/549755885175/pins"]
    return found


@pytest.mark.parametrize(
    "body",
    [
        {"items": [item("2"), OLD]},
        {"items": [item("2", "2026-11-20T11:00:00+01:00"), OLD], "bookmark": "more"},
        {"items": [OLD, item("2")]},
        {"items": [item("1", title="Other"), item("2")]},
    ],
)
async def test_the_one_fitting_pin_is_found(body: object) -> None:
    found = await look(body)
    assert (found.found, found.external_id) == (Found.THERE, "2")
    assert found.permalink == "https://www.pinterest.com/pin/2/"


@pytest.mark.parametrize(
    "body",
    [
        {"items": []},
        {"items": [item("1"), item("2")]},
        {"items": [item("1", title="Other")]},
        {"items": [item("1", link=None)]},
        {"items": [item("1", "2026-11-20T09:59:59")]},
        {"items": [item("1", "yesterday")]},
        {"items": [item("1")], "bookmark": "more"},
        {"items": [OLD, item("1")], "bookmark": "more"},
        {"items": [item("1") | {"id": None}]},
        {"items": "?"},
    ],
)
async def test_anything_else_proves_nothing(body: object) -> None:
    assert (await look(body)).found is Found.UNKNOWN


async def test_pins_of_others_and_pins_without_words_are_never_adopted() -> None:
    body = {"items": [item("1"), item("2")]}
    assert (await look(body, taken=frozenset({"1", "2"}))).found is Found.UNKNOWN
    assert (await look(body, taken=frozenset({"1"}))).external_id == "2"
    wordless = item("1", title=None, description=None, link=None)
    assert (await look({"items": [wordless]}, Content(media=(picture(),)))).found is Found.UNKNOWN


@pytest.mark.parametrize(
    ("status", "raised"), [(401, True), (429, True), (503, True), (403, False), (404, False)]
)
async def test_a_look_without_an_answer(status: int, raised: bool) -> None:
    call, _ = call_of(lambda _: reply(status, {"code": 4711, "message": "no"}))
    if raised:
        with pytest.raises(PlatformError):
            await PLATFORM.look(call, TARGET, PIN, {}, SINCE, frozenset())
    else:
        assert (await PLATFORM.look(call, TARGET, PIN, {}, SINCE, frozenset())).found is Found.UNKNOWN


async def test_a_lost_answer_leaves_as_it_is() -> None:
    call, _ = call_of(lambda _: NoAnswer("POST"))
    with pytest.raises(NoAnswer):
        await PLATFORM.send(call, TARGET, PIN, {})


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        (Content(text="hi"), "media", Reason.MEDIA_MISSING),
        (Content(title="x" * 101, media=(picture(),)), "title", Reason.TEXT_TOO_LONG),
        (Content(text="x" * 801, media=(picture(),)), "text", Reason.TEXT_TOO_LONG),
        (Content(link="https://a.example/" + "x" * 2048, media=(picture(),)), "link", Reason.TEXT_TOO_LONG),
        (Content(link="lamp.example", media=(picture(),)), "link", Reason.LINK_REFUSED),
        (Content(media=(picture(alt="x" * 501),)), "media", Reason.TEXT_TOO_LONG),
        (Content(media=(film_of(DATA), picture())), "media", Reason.MEDIA_FORMAT),
        (Content(media=tuple(picture(n) for n in range(6))), "media", Reason.MEDIA_FORMAT),
        (Content(media=(picture(mime="image/webp"),)), "media", Reason.MEDIA_FORMAT),
        (Content(media=(picture(size=20_000_001),)), "media", Reason.MEDIA_SIZE),
        (
            Content(media=(picture(width=10, height=10), picture(width=10, height=15))),
            "media",
            Reason.MEDIA_RATIO,
        ),
        (Content(media=(film_of(b""),)), "media", Reason.MEDIA_SIZE),
        (Content(media=(film_of(DATA, duration=3.0),)), "media", Reason.MEDIA_DURATION),
    ],
)
def test_what_pinterest_would_refuse(content: Content, field: str, reason: Reason) -> None:
    problems = PLATFORM.check(content)
    assert [(problem.field, problem.reason) for problem in problems] == [(field, reason)]
    assert problems[0].text.endswith(".")


def test_what_pinterest_takes() -> None:
    assert PLATFORM.check(PIN) == ()
    assert PLATFORM.check(Content(media=(film_of(DATA, duration=4.0),))) == ()


VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2)
OBJECTS = st.dictionaries(st.sampled_from(["id", "name", "created_at", "key", "title"]), VALUES)
BODIES = st.dictionaries(
    st.sampled_from(
        [
            "items",
            "id",
            "code",
            "message",
            "access_token",
            "media_id",
            "upload_url",
            "upload_parameters",
            "status",
        ]
    ),
    VALUES | OBJECTS | st.lists(OBJECTS, max_size=2),
)


@given(st.sampled_from([200, 201, 204, 400, 401, 403, 404, 429, 500]), BODIES | VALUES)
async def test_only_platform_errors_leave(status: int, body: object) -> None:
    call, _ = call_of(lambda _: reply(status, body), File(DATA))
    tokens, sent = Tokens("at", "rt"), {"media_id": "1", "uploaded": "1"}
    begun = {"media_id": "1", "address": f"https://{STORE}/", "form": '{"key": "a"}'}
    for action in (
        lambda: PLATFORM.exchange(call, "c", REDIRECT, None),
        lambda: PLATFORM.refresh(call, tokens),
        lambda: PLATFORM.discover(call, tokens),
        lambda: PLATFORM.probe(call, TARGET),
        lambda: PLATFORM.prepare(call, TARGET, FILM, {}),
        lambda: PLATFORM.prepare(call, TARGET, FILM, begun),
        lambda: PLATFORM.prepare(call, TARGET, FILM, sent),
        lambda: PLATFORM.send(call, TARGET, FILM, sent),
        lambda: PLATFORM.send(call, TARGET, PIN, {}),
        lambda: PLATFORM.look(call, TARGET, PIN, {}, SINCE, frozenset()),
    ):
        try:
            await action()
        except PlatformError as error:
            assert error.verdict.kind in Kind
