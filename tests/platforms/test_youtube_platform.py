"""YouTube: consent, upkeep, resumable uploads and looks, against a small strict stand-in."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.http import HttpError, NoAnswer, Response
from bot.platforms import youtube_upload
from bot.platforms.base import Found, Target, Tokens, Wait
from bot.platforms.content import Content
from bot.platforms.errors import Kind, PlatformError, Reason
from bot.platforms.oauth import pkce_pair
from bot.platforms.youtube import READ, YouTube
from bot.platforms.youtube_upload import CHUNK, UPLOAD
from tests.platforms.platform_fakes import APP, REDIRECT, reply
from tests.platforms.upload_fakes import File, Seen, call_of, film_of, picture, walk

PLATFORM = YouTube()
TARGET = Target("UC1", "lamp", "ya29.1")
SINCE = datetime(2026, 11, 20, 10, tzinfo=UTC)
DATA = bytes(range(25))
POST = Content(text="Open late", title="Lamps", link="https://lamp.example/a", media=(film_of(DATA),))
SESSION = "https://www.googleapis.com/upload/youtube/v3/videos?uploadType=resumable&upload_id=s1"


def error(status: int, reason: str) -> Response:
    return reply(status, {"error": {"code": status, "errors": [{"reason": reason}], "message": "no"}})


@dataclass
class TinyGoogle:
    """One channel, one refresh token that stays, one resumable session."""

    challenge: str = ""
    code: str = "4/0A"
    generation: int = 0
    scope: str = f"{UPLOAD} {READ}"
    channels: list[dict[str, object]] = field(
        default_factory=lambda: [
            {
                "id": "UC1",
                "snippet": {
                    "title": "Lamp",
                    "customUrl": "@lamp",
                    "thumbnails": {"default": {"url": "https://a.example/a.jpg"}},
                },
            }
        ]
    )
    privacy: str = "public"
    status: dict[str, object] = field(default_factory=lambda: {"uploadStatus": "uploaded"})
    opened: list[Any] = field(default_factory=list)
    held: bytes = b""
    size: int = 0
    gone: bool = False

    def __call__(self, seen: Seen) -> Response:
        if seen.host == "oauth2.googleapis.com":
            assert seen.path == "/token", "this grant is never revoked from here"
            return self.token(seen)
        assert seen.host == "www.googleapis.com" and seen.bearer is not None
        if seen.bearer != "Bearer ya29.1":
            return error(401, "authError")
        if seen.path == "/upload/youtube/v3/videos":
            return self.upload(seen) if seen.method == "PUT" else self.open(seen)
        if seen.path == "/youtube/v3/channels":
            assert seen.query["mine"] == "true" and "snippet" in seen.query["part"]
            return reply(200, {"kind": "youtube#channelListResponse", "items": self.channels})
        assert seen.path == "/youtube/v3/videos" and "status" in seen.query["part"]
        return reply(200, {"items": [self.video()] if seen.query["id"] == "vid1" else []})

    def video(self) -> dict[str, object]:
        return {
            "kind": "youtube#video",
            "id": "vid1",
            "status": self.status | {"privacyStatus": self.privacy},
        }

    def token(self, seen: Seen) -> Response:
        if (seen.form["client_id"], seen.form["client_secret"]) != ("app-1", "app-secret"):
            return reply(401, {"error": "invalid_client"})
        body: dict[str, object] = {"access_token": "ya29.1", "expires_in": 3599, "scope": self.scope}
        if seen.form["grant_type"] == "authorization_code":
            digest = hashlib.sha256(seen.form["code_verifier"].encode()).digest()
            proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if (seen.form["code"], seen.form["redirect_uri"], proof) != (self.code, REDIRECT, self.challenge):
                return reply(400, {"error": "invalid_grant", "error_description": "Malformed auth code."})
            body |= {"refresh_token": "1//0", "refresh_token_expires_in": 604799}
        elif seen.form["refresh_token"] != "1//0":
            return reply(400, {"error": "invalid_grant", "error_description": "Bad Request"})
        return reply(200, body | {"token_type": "Bearer"})

    def open(self, seen: Seen) -> Response:
        assert seen.query == {"uploadType": "resumable", "part": "snippet,status"}
        assert seen.headers["x-upload-content-type"] == "video/mp4"
        self.opened.append(seen.json)
        self.size, self.held, self.gone = int(seen.headers["x-upload-content-length"]), b"", False
        return reply(200, "", Location=SESSION)

    def upload(self, seen: Seen) -> Response:
        assert seen.query["upload_id"] == "s1" and seen.headers["content-length"] == str(len(seen.content))
        if self.gone:
            return reply(404, "")
        if self.size and len(self.held) == self.size:
            return reply(200, self.video())
        probe = f"bytes */{self.size}"
        if seen.headers["content-range"] != probe:
            start = len(self.held)
            end = start + len(seen.content) - 1
            assert seen.headers["content-range"] == f"bytes {start}-{end}/{self.size}"
            assert end + 1 == self.size or len(seen.content) % youtube_upload.CHUNK == 0
            self.held += seen.content
        if len(self.held) == self.size:
            return reply(201, self.video())
        return reply(308, "", Range=f"bytes=0-{len(self.held) - 1}") if self.held else reply(308, "")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(youtube_upload, "CHUNK", 10)


def test_authorization_url() -> None:
    url = PLATFORM.authorization_url(APP, REDIRECT, "st&te", "chal")
    assert url.startswith("https://accounts.google.com/o/oauth2/v2/auth?") and "+" not in url
    assert {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()} == {
        "response_type": "code",
        "client_id": "app-1",
        "redirect_uri": REDIRECT,
        "scope": f"{UPLOAD} {READ}",
        "state": "st&te",
        "access_type": "offline",
        "prompt": "consent select_account",
        "code_challenge": "chal",
        "code_challenge_method": "S256",
    }


def test_chunks_are_of_the_protocols_size() -> None:
    assert CHUNK % 262_144 == 0


async def test_consent_then_a_refresh_that_names_no_refresh_token() -> None:
    pair = pkce_pair()
    call, http = call_of(TinyGoogle(challenge=pair.challenge), not_after=7.0)
    first = await PLATFORM.exchange(call, "4/0A", REDIRECT, pair.verifier)
    assert (first.refresh_token, first.expires_in, first.refresh_expires_in) == ("1//0", 3599, 604799)
    assert first.scopes == PLATFORM.info.required_scopes
    again = await PLATFORM.refresh(call, first)
    assert (again.access_token, again.refresh_token) == ("ya29.1", None)
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.refresh(call, Tokens("ya29.1", "old"))
    assert refused.value.verdict.kind is Kind.DEAD
    assert {seen.not_after for seen in http.seen} == {7.0}
    with pytest.raises(PlatformError):
        await PLATFORM.refresh(call, Tokens("ya29.1"))
    assert len(http.seen) == 3


async def test_discovery_and_probe_name_the_channel() -> None:
    twin = TinyGoogle()
    call, _ = call_of(twin)
    found = await PLATFORM.discover(call, Tokens("ya29.1"))
    assert (found.subject, found.accounts[0].handle, found.accounts[0].name) == ("UC1", "lamp", "Lamp")
    assert (await PLATFORM.probe(call, TARGET)).id == "UC1"
    twin.channels = []
    assert (await PLATFORM.discover(call, Tokens("ya29.1"))).accounts == ()
    with pytest.raises(PlatformError) as gone:
        await PLATFORM.probe(call, TARGET)
    assert gone.value.verdict.reason is Reason.ACCOUNT_GONE


async def test_a_login_without_a_channel_or_without_the_scope_reaches_nobody() -> None:
    call, _ = call_of(lambda _: error(401, "youtubeSignupRequired"))
    assert (await PLATFORM.discover(call, Tokens("ya29.1"))).accounts == ()
    call, http = call_of(TinyGoogle())
    assert (await PLATFORM.discover(call, Tokens("ya29.1", scopes=frozenset({UPLOAD})))).accounts == ()
    assert http.seen == []


async def test_revoking_would_take_other_channels_with_it() -> None:
    call, http = call_of(TinyGoogle())
    assert not await PLATFORM.revoke(call, Tokens("ya29.1", "1//0"))
    assert http.seen == []


async def test_a_film_goes_up_in_chunks_and_the_last_one_publishes() -> None:
    twin = TinyGoogle()
    call, http = call_of(twin, File(DATA), not_after=9.0)
    ready = await walk(PLATFORM, call, TARGET, POST)
    assert twin.held == DATA[:20] and len(twin.opened) == 1
    assert twin.opened[0] == {
        "snippet": {
            "title": "Lamps",
            "description": "Open late\nhttps://lamp.example/a",
            "categoryId": "22",
        },
        "status": {"privacyStatus": "public", "selfDeclaredMadeForKids": False},
    }
    http.seen.clear()
    sent = await PLATFORM.send(call, TARGET, POST, ready.handles)
    assert [seen.call for seen in http.seen] == ["PUT /upload/youtube/v3/videos"]
    assert http.seen[0].not_after == 9.0 and twin.held == DATA
    assert (sent.external_id, sent.processing, sent.visibility) == ("vid1", True, None)
    assert sent.permalink == "https://www.youtube.com/watch?v=vid1"
    twin.status = {"uploadStatus": "processed"}
    assert not (await PLATFORM.progress(call, TARGET, ready.handles, "vid1")).processing


async def test_each_step_trusts_what_the_session_holds() -> None:
    twin = TinyGoogle()
    call, _ = call_of(twin, File(DATA))
    first = await PLATFORM.prepare(call, TARGET, POST, {})
    assert isinstance(first, Wait) and first.seconds == 0.0
    await PLATFORM.prepare(call, TARGET, POST, first.handles)  # its answer is lost
    ready = await walk(PLATFORM, call, TARGET, POST, first.handles)
    assert twin.held == DATA[:20] and ready.handles["offset"] == "20"


async def test_a_session_that_is_gone_is_opened_anew() -> None:
    twin = TinyGoogle()
    call, _ = call_of(twin, File(DATA))
    ready = await walk(PLATFORM, call, TARGET, POST)
    twin.gone = True
    await walk(PLATFORM, call, TARGET, POST, ready.handles)
    assert len(twin.opened) == 2


async def test_a_finished_session_is_never_sent_again() -> None:
    twin = TinyGoogle()
    call, _ = call_of(twin, File(DATA))
    ready = await walk(PLATFORM, call, TARGET, POST)
    await PLATFORM.send(call, TARGET, POST, ready.handles)
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.prepare(call, TARGET, POST, ready.handles)
    assert refused.value.verdict.kind is Kind.DUPLICATE


@pytest.mark.parametrize("status", [308, 404, 410])
async def test_a_last_chunk_that_did_not_take_is_not_ready(status: int) -> None:
    call, _ = call_of(lambda _: reply(status, ""), File(DATA))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.send(call, TARGET, POST, {"session": SESSION, "offset": "20"})
    assert refused.value.verdict.kind is Kind.NOT_READY


@pytest.mark.parametrize("body", ["", "<html>", {"kind": "youtube#video"}, {"id": None}])
async def test_an_end_without_an_id_is_unclear(body: object) -> None:
    call, _ = call_of(lambda _: reply(200, body), File(DATA))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.send(call, TARGET, POST, {"session": SESSION, "offset": "20"})
    assert refused.value.verdict.kind is Kind.UNCLEAR


async def test_an_unaudited_app_makes_private_videos() -> None:
    twin = TinyGoogle(privacy="private")
    call, _ = call_of(twin, File(DATA))
    ready = await walk(PLATFORM, call, TARGET, POST)
    assert (await PLATFORM.send(call, TARGET, POST, ready.handles)).visibility == "private"
    assert (await PLATFORM.progress(call, TARGET, {}, "vid1")).visibility == "private"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ({"uploadStatus": "failed", "failureReason": "codec"}, Reason.MEDIA_FORMAT),
        ({"uploadStatus": "rejected", "rejectionReason": "copyright"}, Reason.POLICY),
        ({"uploadStatus": "deleted"}, Reason.UNKNOWN),
    ],
)
async def test_progress_tells_what_youtube_refused(status: dict[str, object], reason: Reason) -> None:
    call, _ = call_of(TinyGoogle(status=status))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.progress(call, TARGET, {}, "vid1")
    assert (refused.value.verdict.kind, refused.value.verdict.reason) == (Kind.CONTENT, reason)


async def test_a_video_that_is_not_listed_yet_is_asked_for_again() -> None:
    call, _ = call_of(TinyGoogle())
    with pytest.raises(PlatformError) as later:
        await PLATFORM.progress(call, TARGET, {}, "vid2")
    assert later.value.verdict.kind is Kind.NOT_READY


async def test_a_look_asks_the_session() -> None:
    twin = TinyGoogle()
    call, http = call_of(twin, File(DATA))
    ready = await walk(PLATFORM, call, TARGET, POST)
    absent = await PLATFORM.look(call, TARGET, POST, ready.handles, SINCE, frozenset())
    assert absent.found is Found.ABSENT
    await PLATFORM.send(call, TARGET, POST, ready.handles)
    there = await PLATFORM.look(call, TARGET, POST, ready.handles, SINCE, frozenset())
    assert (there.found, there.external_id) == (Found.THERE, "vid1")
    assert http.seen[-1].content == b"" and http.seen[-1].headers["content-range"] == "bytes */25"
    twin.gone = True
    gone = await PLATFORM.look(call, TARGET, POST, ready.handles, SINCE, frozenset())
    assert gone.found is Found.UNKNOWN
    assert (await PLATFORM.look(call, TARGET, POST, {}, SINCE, frozenset())).found is Found.UNKNOWN


@pytest.mark.parametrize(
    "answer",
    [reply(503, ""), reply(401, ""), reply(308, "", Range="bytes=0-24"), NoAnswer("PUT www.googleapis.com")],
)
async def test_a_look_that_may_work_later_is_raised(answer: Response | HttpError) -> None:
    call, _ = call_of(lambda _: answer)
    with pytest.raises((PlatformError, HttpError)):
        await PLATFORM.look(call, TARGET, POST, {"session": SESSION}, SINCE, frozenset())


async def test_a_session_elsewhere_is_never_given_the_token() -> None:
    call, http = call_of(lambda _: reply(200, "", Location="https://evil.example/upload"), File(DATA))
    made = await PLATFORM.prepare(call, TARGET, POST, {})
    with pytest.raises(HttpError):
        await PLATFORM.prepare(call, TARGET, POST, made.handles)
    with pytest.raises(HttpError):
        await PLATFORM.send(call, TARGET, POST, {"session": "https://evil.example/u", "offset": "20"})
    assert len(http.seen) == 1


async def test_a_session_may_be_named_without_its_host() -> None:
    named = "/upload/youtube/v3/videos?uploadType=resumable&upload_id=s1"
    call, _ = call_of(lambda _: reply(200, "", Location=named), File(DATA))
    made = await PLATFORM.prepare(call, TARGET, POST, {})
    assert made.handles["session"] == f"https://www.googleapis.com{named}"


async def test_sessions_that_keep_ending_are_not_opened_for_ever() -> None:
    call, http = call_of(
        lambda seen: reply(200, "", Location=SESSION) if seen.method == "POST" else reply(404, ""), File(DATA)
    )
    with pytest.raises(PlatformError) as refused:
        await walk(PLATFORM, call, TARGET, POST)
    assert refused.value.verdict.kind is Kind.CONTENT
    assert [seen.method for seen in http.seen].count("POST") == 1 + youtube_upload.TRIES


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        (Content(text="hi"), "media", Reason.MEDIA_MISSING),
        (Content(text="hi", media=(picture(),)), "media", Reason.MEDIA_MISSING),
        (Content(media=(film_of(DATA),)), "title", Reason.TEXT_REFUSED),
        (Content(title="x" * 101, media=(film_of(DATA),)), "title", Reason.TEXT_TOO_LONG),
        (Content(title="a < b", media=(film_of(DATA),)), "title", Reason.TEXT_REFUSED),
        (Content(title="a", text="b > c", media=(film_of(DATA),)), "text", Reason.TEXT_REFUSED),
        (Content(title="a", text="ü" * 2501, media=(film_of(DATA),)), "text", Reason.TEXT_TOO_LONG),
        (Content(title="a", media=(film_of(b""),)), "media", Reason.MEDIA_SIZE),
    ],
)
def test_what_youtube_would_refuse(content: Content, field: str, reason: Reason) -> None:
    problems = PLATFORM.check(content)
    assert [(problem.field, problem.reason) for problem in problems] == [(field, reason)]
    assert problems[0].text.endswith(".")


def test_a_long_first_line_in_the_place_of_a_title_says_so() -> None:
    (problem,) = PLATFORM.check(Content(text="x" * 101, media=(film_of(DATA),)))
    assert problem.field == "title" and "the text's first line" in problem.text


def test_the_first_line_is_the_title_where_none_is_given() -> None:
    content = Content(text="Lamps\nOpen late", media=(film_of(DATA),))
    assert PLATFORM.check(content) == ()
    assert youtube_upload.title_of(content) == "Lamps"


VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2)
OBJECTS = st.dictionaries(
    st.sampled_from(["id", "snippet", "status", "uploadStatus", "thumbnails", "reason", "errors"]), VALUES
)
BODIES = st.dictionaries(
    st.sampled_from(["items", "error", "id", "status", "access_token", "expires_in", "scope"]),
    VALUES | OBJECTS | st.lists(OBJECTS, max_size=2),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([200, 201, 308, 400, 401, 403, 404, 429, 500]), BODIES | VALUES, st.text(max_size=12))
async def test_only_platform_errors_leave(status: int, body: object, header: str) -> None:
    named = header if header.isascii() and header.isprintable() else ""
    call, _ = call_of(lambda _: reply(status, body, Range=named, Location=named), File(DATA))
    tokens, handles = Tokens("at", "rt"), {"session": SESSION, "offset": "20"}
    for action in (
        lambda: PLATFORM.exchange(call, "c", REDIRECT, "v"),
        lambda: PLATFORM.refresh(call, tokens),
        lambda: PLATFORM.discover(call, tokens),
        lambda: PLATFORM.probe(call, TARGET),
        lambda: PLATFORM.prepare(call, TARGET, POST, {}),
        lambda: PLATFORM.prepare(call, TARGET, POST, handles),
        lambda: PLATFORM.send(call, TARGET, POST, handles),
        lambda: PLATFORM.progress(call, TARGET, handles, "vid1"),
        lambda: PLATFORM.look(call, TARGET, POST, handles, SINCE, frozenset()),
    ):
        try:
            await action()
        except PlatformError as error:
            assert error.verdict.kind in Kind


@pytest.mark.parametrize(
    ("named", "held"), [("bytes=0-9", 10), ("bytes 0-9", 10), ("0-9", 10), ("bytes=5-9", 0), ("", 0)]
)
async def test_how_much_a_session_holds(named: str, held: int) -> None:
    call, _ = call_of(lambda _: reply(308, "", **({"Range": named} if named else {})), File(DATA))
    ready = await PLATFORM.prepare(call, TARGET, POST, {"session": SESSION, "offset": "0"})
    assert ready.handles["offset"] == str(held)
