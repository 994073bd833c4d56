"""TikTok: consent, upkeep, uploads, pulls and looks, against a small strict stand-in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.clock import utc_now
from bot.http import NoAnswer, Response
from bot.platforms import tiktok_media
from bot.platforms.base import Found, Ready, Target, Tokens, Wait
from bot.platforms.content import Content
from bot.platforms.errors import Kind, PlatformError, Reason
from bot.platforms.oauth import pkce_pair
from bot.platforms.tiktok import TikTok
from tests.platforms.platform_fakes import APP, REDIRECT, always, reply
from tests.platforms.upload_fakes import TRIAL_APP, File, Seen, call_of, film_of, picture, walk

PLATFORM = TikTok()
TARGET = Target("-000abc", "lamp", "act.1")
SINCE = datetime(2026, 11, 20, 10, tzinfo=UTC)
LOOPBACK = "http://localhost:3000/oauth/tiktok/callback"
DATA = bytes(range(25))
POST = Content(text="Open late", link="https://lamp.example/a", media=(film_of(DATA),))
PHOTOS = Content(text="Open late", title="Lamps", media=(picture(1), picture(2)))
INIT = "POST /v2/post/publish/video/init/"
CREATOR = "POST /v2/post/publish/creator_info/query/"
STATUS = "POST /v2/post/publish/status/fetch/"


def ok(data: object, status: int = 200) -> Response:
    return reply(status, {"data": data, "error": {"code": "ok", "message": "", "log_id": "1"}})


def no(status: int, code: str) -> Response:
    return reply(status, {"data": {}, "error": {"code": code, "message": "no", "log_id": "1"}})


@dataclass
class TinyTikTok:
    """One account; refresh tokens are spent by use; uploads go chunk by chunk, in order."""

    code: str = "c*1!"
    generation: int = 0
    options: tuple[str, ...] = ("PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY")
    seconds: float = 600
    status_200: bool = False
    held: bytes = b""
    size: int = 0
    inits: list[Any] = field(default_factory=list)
    forced: dict[str, object] = field(default_factory=dict)
    post_ids: list[int] = field(default_factory=lambda: [7123456789012345678])

    def __call__(self, seen: Seen) -> Response:
        if seen.host == "open-upload.tiktokapis.com":
            return self.upload(seen)
        assert seen.host == "open.tiktokapis.com"
        if seen.path == "/v2/oauth/token/":
            return self.token(seen)
        if seen.path == "/v2/oauth/revoke/":
            assert seen.form == {"client_key": "app-1", "client_secret": "app-secret", "token": "act.1"}
            return reply(200, {})
        if seen.bearer != "Bearer act.1":
            return no(401, "access_token_invalid")
        if seen.path == "/v2/user/info/":
            user = {"open_id": "-000abc", "display_name": "Lamp", "avatar_url": "https://a.example/a.jpg"}
            return ok({"user": user | ({"username": "lamp"} if "username" in seen.query["fields"] else {})})
        assert seen.headers["content-type"] == "application/json; charset=UTF-8"
        return self.posting(seen)

    def token(self, seen: Seen) -> Response:
        assert seen.form["client_key"] == "app-1" and seen.form["client_secret"] == "app-secret"
        refused = {"error": "invalid_grant", "error_description": "Refresh token is invalid or expired."}
        if seen.form["grant_type"] == "authorization_code":
            if seen.form["code"] != self.code:
                return reply(400, refused)
            self.code = ""
        elif seen.form["refresh_token"] != f"rft.{self.generation}":
            return reply(200 if self.status_200 else 400, refused)
        self.generation += 1
        body = {"open_id": "-000abc", "scope": "user.info.basic,user.info.profile,video.publish"}
        body |= {"access_token": f"act.{self.generation}", "refresh_token": f"rft.{self.generation}"}
        return reply(200, body | {"expires_in": 7200, "refresh_expires_in": 15552000, "token_type": "Bearer"})

    def posting(self, seen: Seen) -> Response:
        if seen.call == CREATOR:
            options = {"privacy_level_options": list(self.options), "duet_disabled": True}
            return ok(options | {"max_video_post_duration_sec": self.seconds, "comment_disabled": False})
        if seen.call == INIT:
            self.inits.append(seen.json)
            self.size, self.held = seen.json["source_info"]["video_size"], b""
            url = f"https://open-upload.tiktokapis.com/video/?upload_id={len(self.inits)}&upload_token=s"
            return ok({"publish_id": f"v_pub_file~v2-1.{len(self.inits)}", "upload_url": url})
        if seen.call == "POST /v2/post/publish/content/init/":
            self.inits.append(seen.json)
            return ok({"publish_id": "p_pub_url~v2.1"})
        assert seen.call == STATUS
        if self.forced:
            return ok(self.forced)
        if len(self.held) < self.size:
            return ok({"status": "PROCESSING_UPLOAD", "uploaded_bytes": len(self.held)})
        return ok({"status": "PUBLISH_COMPLETE", "publicaly_available_post_id": self.post_ids})

    def upload(self, seen: Seen) -> Response:
        assert seen.bearer is None and seen.headers["content-type"] == "video/mp4"
        start = len(self.held)
        expected = f"bytes {start}-{start + len(seen.content) - 1}/{self.size}"
        if seen.headers["content-range"] != expected:
            return reply(416, "")
        assert seen.headers["content-length"] == str(len(seen.content))
        self.held += seen.content
        return reply(201 if len(self.held) == self.size else 206, "")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiktok_media, "CHUNK", 10)


def query_of(url: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}


def test_authorization_url_on_https_has_no_pkce() -> None:
    url = PLATFORM.authorization_url(APP, REDIRECT, "st&te", "chal")
    assert url.startswith("https://www.tiktok.com/v2/auth/authorize/?")
    assert query_of(url) == {
        "client_key": "app-1",
        "response_type": "code",
        "scope": "user.info.basic,user.info.profile,video.publish",
        "redirect_uri": REDIRECT,
        "state": "st&te",
        "disable_auto_auth": "1",
    }


async def test_on_loopback_the_challenge_is_the_hash_in_hex() -> None:
    pair = pkce_pair()
    query = query_of(PLATFORM.authorization_url(APP, LOOPBACK, "s", pair.challenge))
    assert query["code_challenge"] == hashlib.sha256(pair.verifier.encode()).hexdigest()
    assert query["code_challenge_method"] == "S256"
    for redirect, sent in ((LOOPBACK, True), (REDIRECT, False)):
        call, http = call_of(TinyTikTok())
        await PLATFORM.exchange(call, "c*1!", redirect, pair.verifier)
        assert ("code_verifier" in http.seen[0].form) is sent


@pytest.mark.parametrize("status_200", [False, True])
async def test_consent_then_rotation_then_the_spent_token_is_dead(status_200: bool) -> None:
    call, http = call_of(TinyTikTok(status_200=status_200), not_after=7.0)
    first = await PLATFORM.exchange(call, "c*1!", REDIRECT, None)
    assert (first.subject, first.expires_in, first.refresh_expires_in) == ("-000abc", 7200, 15552000)
    assert first.scopes == PLATFORM.info.required_scopes
    second = await PLATFORM.refresh(call, first)
    assert (second.access_token, second.refresh_token) == ("act.2", "rft.2")
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.refresh(call, first)
    assert refused.value.verdict.kind is Kind.DEAD
    assert {seen.not_after for seen in http.seen} == {7.0}


async def test_refreshing_without_a_refresh_token_asks_nobody() -> None:
    call, http = call_of(TinyTikTok())
    with pytest.raises(PlatformError):
        await PLATFORM.refresh(call, Tokens("act.1"))
    assert http.seen == []


async def test_discovery_asks_only_for_what_was_granted() -> None:
    call, http = call_of(TinyTikTok())
    found = await PLATFORM.discover(call, Tokens("act.1", subject="-000abc"))
    assert (found.subject, found.accounts[0].handle, found.accounts[0].name) == ("-000abc", "lamp", "Lamp")
    some = Tokens("act.1", scopes=frozenset({"user.info.basic"}), subject="-000abc")
    assert (await PLATFORM.discover(call, some)).accounts[0].handle == ""
    assert "username" not in http.seen[1].query["fields"]
    none = Tokens("act.1", scopes=frozenset({"video.publish"}), subject="-000abc")
    assert (await PLATFORM.discover(call, none)).subject == "-000abc"
    assert len(http.seen) == 2


async def test_probe_and_revoke() -> None:
    call, _ = call_of(TinyTikTok())
    assert (await PLATFORM.probe(call, TARGET)).id == TARGET.account_id
    assert await PLATFORM.revoke(call, Tokens("act.1", "rft.1"))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.probe(call, Target("-000abc", "lamp", "old"))
    assert refused.value.verdict.kind is Kind.TOKEN
    call, _ = call_of(always(reply(200, {"error": "invalid_client"})))  # type: ignore[arg-type]
    with pytest.raises(PlatformError):
        await PLATFORM.revoke(call, Tokens("act.1"))


async def test_a_film_goes_up_in_chunks_and_the_last_one_publishes() -> None:
    twin = TinyTikTok()
    call, http = call_of(twin, File(DATA), not_after=9.0)
    ready = await walk(PLATFORM, call, TARGET, POST)
    assert twin.held == DATA[:10]
    assert twin.inits[0]["source_info"] == {
        "source": "FILE_UPLOAD",
        "video_size": 25,
        "chunk_size": 10,
        "total_chunk_count": 2,
    }
    info = twin.inits[0]["post_info"]
    assert info["title"] == "Open late\nhttps://lamp.example/a"
    assert (info["privacy_level"], info["disable_duet"], info["disable_comment"]) == (
        "PUBLIC_TO_EVERYONE",
        True,
        False,
    )
    http.seen.clear()
    sent = await PLATFORM.send(call, TARGET, POST, ready.handles)
    assert http.calls() == ["PUT /video/"] and http.seen[0].not_after == 9.0
    assert twin.held == DATA
    assert (sent.external_id, sent.processing, sent.visibility) == ("v_pub_file~v2-1.1", True, None)
    done = await PLATFORM.progress(call, TARGET, ready.handles, sent.external_id)
    assert done.external_id == "7123456789012345678" and not done.processing
    assert done.permalink == "https://www.tiktok.com/@lamp/video/7123456789012345678"


async def test_a_small_film_goes_whole_and_nothing_leaves_before_send() -> None:
    twin = TinyTikTok()
    small = Content(text="hi", media=(film_of(DATA[:19]),))
    call, http = call_of(twin, File(DATA[:19]))
    ready = await walk(PLATFORM, call, TARGET, small)
    assert twin.held == b"" and twin.inits[0]["source_info"]["chunk_size"] == 19
    await PLATFORM.send(call, TARGET, small, ready.handles)
    assert twin.held == DATA[:19]
    assert http.calls()[:2] == [CREATOR, INIT]


async def test_an_upload_goes_on_where_it_stopped() -> None:
    twin = TinyTikTok()
    data = bytes(range(48))
    content = Content(media=(film_of(data),))
    call, _ = call_of(twin, File(data))
    kept: dict[str, str] = {}
    for _ in range(3):
        made = await PLATFORM.prepare(call, TARGET, content, kept)
        assert isinstance(made, Wait) and made.seconds == 0.0
        kept = dict(made.handles)
    assert len(twin.held) == 20 and len(twin.inits) == 1
    ready = await walk(PLATFORM, call, TARGET, content, kept)
    assert len(twin.held) == 30 and len(twin.inits) == 1
    await PLATFORM.send(call, TARGET, content, ready.handles)
    assert twin.held == data


async def test_what_tiktok_holds_otherwise_or_an_ended_address_begins_anew() -> None:
    twin = TinyTikTok()
    call, _ = call_of(twin, File(DATA))
    ready = await walk(PLATFORM, call, TARGET, POST)
    twin.held = DATA[:4]
    await walk(PLATFORM, call, TARGET, POST, ready.handles)
    assert len(twin.inits) == 2
    past = str(int(utc_now().timestamp()) - 1)
    await walk(PLATFORM, call, TARGET, POST, {**ready.handles, "until": past})
    assert len(twin.inits) == 3


async def test_beginning_anew_ends_after_some_tries() -> None:
    twin = TinyTikTok(forced={"status": "FAILED", "fail_reason": "internal"})
    call, _ = call_of(twin, File(DATA))
    with pytest.raises(PlatformError) as refused:
        await walk(PLATFORM, call, TARGET, POST)
    assert refused.value.verdict.reason is Reason.PLATFORM_DOWN
    assert len(twin.inits) == tiktok_media.TRIES + 1


async def test_a_failed_upload_says_why_before_it_is_sent_again() -> None:
    twin = TinyTikTok()
    call, _ = call_of(twin, File(DATA))
    ready = await walk(PLATFORM, call, TARGET, POST)
    twin.forced = {"status": "FAILED", "fail_reason": "duration_check_failed"}
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.prepare(call, TARGET, POST, ready.handles)
    assert refused.value.verdict.reason is Reason.MEDIA_DURATION


async def test_what_is_finished_already_is_never_sent_again() -> None:
    twin = TinyTikTok()
    call, _ = call_of(twin, File(DATA))
    ready = await walk(PLATFORM, call, TARGET, POST)
    await PLATFORM.send(call, TARGET, POST, ready.handles)
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.prepare(call, TARGET, POST, ready.handles)
    assert refused.value.verdict.kind is Kind.DUPLICATE


async def test_a_status_that_says_nothing_proves_nothing() -> None:
    twin = TinyTikTok(forced={"status": "?"})
    call, _ = call_of(twin, File(DATA))
    with pytest.raises(PlatformError) as unclear:
        await walk(PLATFORM, call, TARGET, POST)
    assert unclear.value.verdict.kind is Kind.UNCLEAR


async def test_a_film_longer_than_the_creator_may_post() -> None:
    call, _ = call_of(TinyTikTok(seconds=60), File(DATA))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.prepare(call, TARGET, Content(media=(film_of(DATA, duration=61.0),)), {})
    assert refused.value.verdict.reason is Reason.MEDIA_DURATION


@pytest.mark.parametrize(
    ("options", "reviewed", "chosen", "visibility"),
    [
        (("PUBLIC_TO_EVERYONE", "SELF_ONLY"), True, "PUBLIC_TO_EVERYONE", None),
        (("PUBLIC_TO_EVERYONE", "SELF_ONLY"), False, "SELF_ONLY", "private"),
        (("FOLLOWER_OF_CREATOR", "SELF_ONLY"), True, "FOLLOWER_OF_CREATOR", "followers"),
        (("SELF_ONLY",), True, "SELF_ONLY", "private"),
    ],
)
async def test_the_widest_audience_that_the_account_and_the_audit_allow(
    options: tuple[str, ...], reviewed: bool, chosen: str, visibility: str | None
) -> None:
    twin = TinyTikTok(options=options)
    call, _ = call_of(twin, File(DATA), app=APP if reviewed else TRIAL_APP)
    ready = await walk(PLATFORM, call, TARGET, POST)
    sent = await PLATFORM.send(call, TARGET, POST, ready.handles)
    assert twin.inits[0]["post_info"]["privacy_level"] == chosen
    assert sent.visibility == visibility


async def test_pictures_are_pulled_and_the_call_that_begins_is_the_only_one() -> None:
    twin = TinyTikTok()
    call, http = call_of(twin)
    ready = await PLATFORM.prepare(call, TARGET, PHOTOS, {})
    assert isinstance(ready, Ready) and http.calls() == [CREATOR]
    sent = await PLATFORM.send(call, TARGET, PHOTOS, ready.handles)
    assert len(http.seen) == 2
    body = twin.inits[0]
    assert (body["media_type"], body["post_mode"]) == ("PHOTO", "DIRECT_POST")
    assert body["source_info"]["photo_images"] == [item.url for item in PHOTOS.media]
    assert (body["post_info"]["title"], body["post_info"]["description"]) == ("Lamps", "Open late")
    done = await PLATFORM.progress(call, TARGET, ready.handles, sent.external_id)
    assert done.permalink == "https://www.tiktok.com/@lamp/photo/7123456789012345678"
    assert (
        await PLATFORM.look(call, TARGET, PHOTOS, ready.handles, SINCE, frozenset())
    ).found is Found.UNKNOWN


@pytest.mark.parametrize("status", [206, 403, 404, 410, 416])
async def test_a_last_chunk_that_did_not_take_is_not_ready(status: int) -> None:
    call, _ = call_of(TinyTikTok(), File(DATA))
    ready = await walk(PLATFORM, call, TARGET, POST)
    call, _ = call_of(lambda _: reply(status, ""), File(DATA))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.send(call, TARGET, POST, ready.handles)
    assert refused.value.verdict.kind is Kind.NOT_READY


@pytest.mark.parametrize("status", [200, 204, 302])
async def test_only_created_says_that_a_film_is_whole(status: int) -> None:
    call, _ = call_of(lambda _: reply(status, ""), File(DATA))
    handles = {"publish_id": "v", "upload_url": "https://open-upload.tiktokapis.com/u", "chunks": "1"}
    with pytest.raises(PlatformError) as unclear:
        await PLATFORM.send(call, TARGET, POST, handles)
    assert unclear.value.verdict.kind is Kind.UNCLEAR


async def test_a_file_that_is_gone_is_the_posts_fault() -> None:
    call, http = call_of(TinyTikTok(), File(DATA))
    ready = await walk(PLATFORM, call, TARGET, POST)
    for file in (File(DATA, gone=True), File(DATA[:12])):
        call, http = call_of(TinyTikTok(), file)
        with pytest.raises(PlatformError) as refused:
            await PLATFORM.send(call, TARGET, POST, ready.handles)
        assert refused.value.verdict.reason is Reason.MEDIA_UNREACHABLE
        assert http.seen == []


async def test_bytes_go_to_tiktok_only() -> None:
    call, http = call_of(TinyTikTok(), File(DATA))
    handles = {"publish_id": "v", "upload_url": "https://evil.example/tiktokapis.com", "chunks": "1"}
    with pytest.raises(Exception, match="not allowed"):
        await PLATFORM.send(call, TARGET, POST, handles)
    assert http.seen == []


LOOKS: list[tuple[dict[str, object], Found | None]] = [
    ({"status": "PUBLISH_COMPLETE", "publicaly_available_post_id": [7]}, Found.THERE),
    ({"status": "PUBLISH_COMPLETE"}, Found.THERE),
    ({"status": "FAILED", "fail_reason": "internal"}, Found.ABSENT),
    ({"status": "PROCESSING_UPLOAD", "uploaded_bytes": 10}, Found.ABSENT),
    ({"status": "PROCESSING_UPLOAD", "uploaded_bytes": 25}, None),
    ({"status": "PROCESSING_UPLOAD"}, None),
    ({"status": "PROCESSING_DOWNLOAD"}, None),
    ({"status": "?"}, None),
]


@pytest.mark.parametrize(("status", "found"), LOOKS)
async def test_a_look_asks_our_own_publish_id(status: dict[str, object], found: Found | None) -> None:
    call, http = call_of(TinyTikTok(forced=status))
    if found is None:
        with pytest.raises(PlatformError) as later:
            await PLATFORM.look(call, TARGET, POST, {"publish_id": "v"}, SINCE, frozenset())
        assert later.value.verdict.kind is Kind.NOT_READY
    else:
        seen = await PLATFORM.look(call, TARGET, POST, {"publish_id": "v"}, SINCE, frozenset())
        assert seen.found is found
    assert http.seen[0].json == {"publish_id": "v"}


@pytest.mark.parametrize(("status", "code", "known"), [(400, "invalid_publish_id", True), (503, "x", False)])
async def test_a_look_without_an_answer(status: int, code: str, known: bool) -> None:
    call, _ = call_of(lambda _: no(status, code))
    if known:
        seen = await PLATFORM.look(call, TARGET, POST, {"publish_id": "v"}, SINCE, frozenset())
        assert seen.found is Found.UNKNOWN
    else:
        with pytest.raises(PlatformError):
            await PLATFORM.look(call, TARGET, POST, {"publish_id": "v"}, SINCE, frozenset())


async def test_progress_tells_failure_as_the_posts_and_waits_otherwise() -> None:
    handles = {"publish_id": "v", "privacy": "SELF_ONLY"}
    call, _ = call_of(TinyTikTok(forced={"status": "FAILED", "fail_reason": "auth_removed"}))
    with pytest.raises(PlatformError) as refused:
        await PLATFORM.progress(call, TARGET, handles, "v")
    assert (refused.value.verdict.kind, refused.value.verdict.reason) == (Kind.CONTENT, Reason.REVOKED)
    call, _ = call_of(TinyTikTok(forced={"status": "PROCESSING_DOWNLOAD"}))
    assert (await PLATFORM.progress(call, TARGET, handles, "v")).processing
    call, _ = call_of(TinyTikTok(forced={"status": "PUBLISH_COMPLETE", "publicaly_available_post_id": []}))
    done = await PLATFORM.progress(call, TARGET, handles, "v")
    assert (done.external_id, done.permalink, done.visibility) == ("v", None, "private")
    call, _ = call_of(lambda _: no(400, "invalid_publish_id"))
    with pytest.raises(PlatformError) as unknown:
        await PLATFORM.progress(call, TARGET, handles, "v")
    assert unknown.value.verdict.kind is Kind.UNKNOWN


async def test_a_lost_answer_leaves_as_it_is() -> None:
    call, _ = call_of(lambda _: NoAnswer("POST"), File(DATA))
    with pytest.raises(NoAnswer):
        await PLATFORM.send(call, TARGET, PHOTOS, {})


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        (Content(text="hi"), "media", Reason.MEDIA_MISSING),
        (Content(media=(film_of(DATA), picture())), "media", Reason.MEDIA_FORMAT),
        (Content(text="🏮" * 1101, media=(film_of(DATA),)), "text", Reason.TEXT_TOO_LONG),
        (Content(media=(film_of(DATA, duration=601.0),)), "media", Reason.MEDIA_DURATION),
        (Content(media=(film_of(b""),)), "media", Reason.MEDIA_SIZE),
        (Content(media=(film_of(DATA, width=359, height=640),)), "media", Reason.MEDIA_SIZE),
        (Content(media=(film_of(DATA, width=4097, height=2160),)), "media", Reason.MEDIA_SIZE),
        (Content(title="x" * 91, media=(picture(),)), "title", Reason.TEXT_TOO_LONG),
        (Content(text="x" * 4001, media=(picture(),)), "text", Reason.TEXT_TOO_LONG),
        (Content(media=(picture(mime="image/png"),)), "media", Reason.MEDIA_FORMAT),
        (Content(media=(picture(size=20_000_001),)), "media", Reason.MEDIA_SIZE),
        (Content(media=(picture(width=1200, height=1600),)), "media", Reason.MEDIA_SIZE),
        (Content(media=tuple(picture(n) for n in range(36))), "media", Reason.MEDIA_FORMAT),
    ],
)
def test_what_tiktok_would_refuse(content: Content, field: str, reason: Reason) -> None:
    problems = PLATFORM.check(content)
    assert [(problem.field, problem.reason) for problem in problems] == [(field, reason)]
    assert problems[0].text.endswith(".")


def test_what_tiktok_takes() -> None:
    assert PLATFORM.check(Content(text="🏮" * 1100, media=(film_of(DATA, duration=600.0),))) == ()
    assert PLATFORM.check(Content(text="hi", media=(film_of(DATA, width=360, height=4096),))) == ()
    assert PLATFORM.check(Content(title="x" * 90, media=(picture(width=1080, height=1920),))) == ()


VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2)
OBJECTS = st.dictionaries(
    st.sampled_from(
        ["user", "open_id", "publish_id", "upload_url", "status", "code", "privacy_level_options", "username"]
    ),
    VALUES | st.just("ok"),
)
BODIES = st.dictionaries(
    st.sampled_from(["data", "error", "access_token", "scope", "open_id"]), VALUES | OBJECTS
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([200, 201, 206, 400, 401, 403, 429, 500]), BODIES | VALUES)
async def test_only_platform_errors_leave(status: int, body: object) -> None:
    call, _ = call_of(lambda _: reply(status, body), File(DATA))
    tokens, handles = Tokens("act", "rft"), {"publish_id": "v", "privacy": "SELF_ONLY"}
    later = handles | {
        "upload_url": "https://open-upload.tiktokapis.com/video/",
        "chunks": "0",
        "until": "9" * 11,
    }
    for action in (
        lambda: PLATFORM.exchange(call, "c", REDIRECT, "v"),
        lambda: PLATFORM.refresh(call, tokens),
        lambda: PLATFORM.discover(call, tokens),
        lambda: PLATFORM.revoke(call, tokens),
        lambda: PLATFORM.prepare(call, TARGET, POST, {}),
        lambda: PLATFORM.prepare(call, TARGET, POST, later),
        lambda: PLATFORM.prepare(call, TARGET, POST, later | {"chunks": "1"}),
        lambda: PLATFORM.prepare(call, TARGET, PHOTOS, {}),
        lambda: PLATFORM.send(call, TARGET, POST, later),
        lambda: PLATFORM.send(call, TARGET, PHOTOS, handles),
        lambda: PLATFORM.progress(call, TARGET, handles, "v"),
        lambda: PLATFORM.look(call, TARGET, POST, handles, SINCE, frozenset()),
    ):
        try:
            await action()
        except PlatformError as error:
            assert error.verdict.kind in Kind
