"""LinkedIn: consent, upkeep, uploads and posts of members and Pages, against a small strict stand-in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.http import NoAnswer, Response
from bot.platforms import linkedin, linkedin_media
from bot.platforms import linkedin_text as little
from bot.platforms.base import Found, Ready, Target, Tokens, Wait
from bot.platforms.content import Content
from bot.platforms.errors import Kind, PlatformError, Reason
from tests.platforms.platform_fakes import APP, REDIRECT, reply
from tests.platforms.upload_fakes import File, Seen, call_of, film_of, picture, walk

MEMBER = replace(linkedin.members("202609", shared=False), retry_pause=0.0)
PAGE = replace(linkedin.organisations("202609", shared=True), retry_pause=0.0)
OWN = linkedin.organisations("202609", shared=False)
ANNA = Target("782bbtaQ", "", "AQX1")
LAMP = Target("5001", "lamp-co", "AQX1")
SINCE = datetime(2026, 11, 20, 10, tzinfo=UTC)
DATA = bytes(range(25))
URN = "urn:li:share:7100000000000000001"
UPLOAD = "https://www.linkedin.com/dms-uploads/sp/v2"


@dataclass
class TinyLinkedIn:
    """One member with roles on organisations; the refresh token stays and its life counts down."""

    code: str = "AQT"
    refreshing: bool = True
    days_left: int = 365
    standing: dict[str, object] = field(default_factory=lambda: {"active": True, "status": "active"})
    roles: dict[str, str] = field(default_factory=lambda: {"5001": "ADMINISTRATOR", "5002": "ANALYST"})
    spurious: int = 0
    status: list[str] = field(default_factory=lambda: ["PROCESSING", "AVAILABLE"])
    posts: list[Any] = field(default_factory=list)
    asked: list[tuple[str, Any]] = field(default_factory=list)
    uploaded: dict[str, bytes] = field(default_factory=dict)
    expired: int = 0

    def __call__(self, seen: Seen) -> Response:
        if seen.host == "www.linkedin.com" and seen.path.startswith("/oauth/v2/"):
            assert (seen.form["client_id"], seen.form["client_secret"]) == ("app-1", "app-secret")
            return self.oauth(seen)
        if seen.method == "PUT":
            return self.put(seen)
        if seen.bearer != "Bearer AQX1":
            return reply(401, {"status": 401, "serviceErrorCode": 65600, "message": "Invalid access token"})
        if seen.path.startswith("/v2/"):
            return self.who(seen)
        assert seen.host == "api.linkedin.com" and seen.headers["linkedin-version"] == "202609"
        assert seen.headers["x-restli-protocol-version"] == "2.0.0"
        return self.rest(seen)

    def oauth(self, seen: Seen) -> Response:
        if seen.path == "/oauth/v2/introspectToken":
            return reply(200, self.standing if seen.form["token"] == "AQX1" else {"active": False})
        if seen.path == "/oauth/v2/revoke":
            return reply(200, "")
        assert seen.path == "/oauth/v2/accessToken"
        body: dict[str, object] = {"access_token": "AQX1", "expires_in": 5183999, "token_type": "Bearer"}
        if seen.form["grant_type"] == "authorization_code":
            if (seen.form["code"], seen.form["redirect_uri"]) != (self.code, REDIRECT):
                words = "Unable to retrieve access token: authorization code not found"
                return reply(401, {"error": "invalid_request", "error_description": words})
            self.code = ""
        elif seen.form["refresh_token"] != "AQW":
            words = "The provided authorization grant or refresh token is invalid, expired or revoked"
            return reply(400, {"error": "invalid_request", "error_description": words})
        if self.refreshing:
            body |= {"refresh_token": "AQW", "refresh_token_expires_in": self.days_left * 86400}
        return reply(200, body | {"scope": "openid,profile,w_member_social"})

    def who(self, seen: Seen) -> Response:
        if self.spurious:
            self.spurious -= 1
            return reply(401, {"status": 401, "serviceErrorCode": 65601, "code": "REVOKED_ACCESS_TOKEN"})
        if seen.path == "/v2/me":
            return reply(200, {"id": "782bbtaQ", "localizedFirstName": "Anna", "localizedLastName": "Lamp"})
        assert seen.path == "/v2/userinfo"
        return reply(200, {"sub": "782bbtaQ", "name": "Anna Lamp", "picture": "https://media.licdn.com/a"})

    def rest(self, seen: Seen) -> Response:
        path = seen.path.removeprefix("/rest")
        self.asked.append((f"{seen.method} {path}", seen.json))
        if path == "/organizationAcls":
            assert (seen.query["q"], seen.query["state"]) == ("roleAssignee", "APPROVED")
            elements = [
                {"organization": f"urn:li:organization:{number}", "role": role, "state": "APPROVED"}
                for number, role in self.roles.items()
            ]
            return reply(200, {"elements": elements})
        if path == "/organizations/5001":
            return reply(200, {"id": 5001, "localizedName": "Lamp & Co", "vanityName": "lamp-co"})
        if path == "/posts":
            self.posts.append(seen.json)
            return reply(201, "", x_restli_id=URN)
        if path in ("/images", "/videos"):
            return self.action(seen, path)
        if path.startswith("/videos/"):
            assert path == "/videos/urn%3Ali%3Avideo%3A1"
            return reply(200, {"status": self.status[0] if len(self.status) == 1 else self.status.pop(0)})
        return reply(404, {"status": 404, "code": "NOT_FOUND"})

    def action(self, seen: Seen, path: str) -> Response:
        if seen.query["action"] == "finalizeUpload":
            request = seen.json["finalizeUploadRequest"]
            sent = sorted(key for key in self.uploaded if "video" in key)
            assert request["uploadedPartIds"] == [f"etag-{name[-1]}" for name in sent]
            assert (request["video"], request["uploadToken"]) == ("urn:li:video:1", "ticket")
            return reply(200, "")
        request = seen.json["initializeUploadRequest"]
        assert request["owner"].startswith("urn:li:")
        if path == "/images":
            number = len(self.uploaded) + 1
            value = {"uploadUrl": f"{UPLOAD}/image{number}?x=1", "image": f"urn:li:image:{number}"}
            return reply(200, {"value": value})
        size = request["fileSizeBytes"]
        parts = [
            {"uploadUrl": f"{UPLOAD}/video{n}?x=1", "firstByte": start, "lastByte": min(start + 9, size - 1)}
            for n, start in enumerate(range(0, size, 10))
        ]
        film = {"video": "urn:li:video:1", "uploadToken": "ticket", "uploadInstructions": parts}
        return reply(200, {"value": film})

    def put(self, seen: Seen) -> Response:
        assert seen.path.startswith("/dms-uploads/")
        name = seen.path.rpartition("/")[2]
        assert (seen.bearer == "Bearer AQX1") is name.startswith("image")
        if self.expired:
            self.expired -= 1
            return reply(400, {"status": 400, "code": "EXPIRED_UPLOAD_URL", "message": "no"})
        self.uploaded[name] = seen.content
        return reply(201, "", ETag=f'"etag-{name[-1]}"')


def scopes_of(platform: linkedin.LinkedIn) -> list[str]:
    url = platform.authorization_url(APP, REDIRECT, "s", None)
    return parse_qs(urlsplit(url).query)["scope"][0].split(" ")


def test_authorization_url() -> None:
    url = MEMBER.authorization_url(APP, REDIRECT, "st&te", None)
    assert url.startswith("https://www.linkedin.com/oauth/v2/authorization?") and "+" not in url
    assert {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()} == {
        "response_type": "code",
        "client_id": "app-1",
        "redirect_uri": REDIRECT,
        "scope": "openid profile w_member_social",
        "state": "st&te",
    }


def test_on_one_app_both_ask_for_the_very_same_scopes() -> None:
    assert scopes_of(linkedin.members("202609", shared=True)) == scopes_of(PAGE)
    assert {"openid", "w_member_social", "w_organization_social"} <= set(scopes_of(PAGE))
    assert "openid" not in scopes_of(OWN) and "r_basicprofile" in scopes_of(OWN)
    assert MEMBER.info.confirm_after_consent and PAGE.info.confirm_after_consent


async def test_consent_and_a_refresh_whose_token_counts_down() -> None:
    twin = TinyLinkedIn()
    call, http = call_of(twin, not_after=7.0)
    first = await MEMBER.exchange(call, "AQT", REDIRECT, None)
    assert (first.expires_in, first.refresh_token) == (5183999, "AQW")
    assert first.scopes == MEMBER.info.required_scopes
    twin.days_left = 306
    again = await MEMBER.refresh(call, first)
    assert (again.refresh_token, again.refresh_expires_in) == ("AQW", 306 * 86400)
    with pytest.raises(PlatformError) as refused:
        await MEMBER.refresh(call, Tokens("AQX1", "old"))
    assert refused.value.verdict.kind is Kind.DEAD
    assert {seen.not_after for seen in http.seen} == {7.0}


async def test_without_partner_status_there_is_nothing_to_renew() -> None:
    call, http = call_of(TinyLinkedIn(refreshing=False))
    tokens = await MEMBER.exchange(call, "AQT", REDIRECT, None)
    assert tokens.refresh_token is None
    with pytest.raises(PlatformError) as refused:
        await MEMBER.refresh(call, tokens)
    assert refused.value.verdict.kind is not Kind.DEAD
    assert len(http.seen) == 1


async def test_discovery_of_a_member() -> None:
    call, _ = call_of(TinyLinkedIn())
    found = await MEMBER.discover(call, Tokens("AQX1"))
    assert (found.subject, found.subject_name) == ("782bbtaQ", "Anna Lamp")
    assert [(account.id, account.name) for account in found.accounts] == [("782bbtaQ", "Anna Lamp")]


@pytest.mark.parametrize("platform", [PAGE, OWN])
async def test_discovery_of_pages_by_role(platform: linkedin.LinkedIn) -> None:
    call, http = call_of(TinyLinkedIn())
    found = await platform.discover(call, Tokens("AQX1"))
    assert found.subject == "782bbtaQ"
    usable, other = found.accounts
    assert (usable.id, usable.handle, usable.name, usable.usable) == ("5001", "lamp-co", "Lamp & Co", True)
    assert (other.name, other.usable, other.problem) == ("LinkedIn Page 5002", False, Reason.ROLE_LOST)
    assert http.seen[0].path == ("/v2/userinfo" if platform is PAGE else "/v2/me")


async def test_a_new_token_that_is_called_revoked_is_asked_once_more() -> None:
    call, http = call_of(TinyLinkedIn(spurious=1))
    assert (await MEMBER.discover(call, Tokens("AQX1"))).subject == "782bbtaQ"
    assert len(http.seen) == 2
    call, http = call_of(TinyLinkedIn(spurious=9))
    with pytest.raises(PlatformError):
        await MEMBER.discover(call, Tokens("AQX1"))
    assert len(http.seen) == 2


@pytest.mark.parametrize(
    ("standing", "kind", "reason"),
    [
        ({"active": False, "status": "revoked"}, Kind.DEAD, Reason.REVOKED),
        ({"active": False, "status": "expired"}, Kind.DEAD, Reason.EXPIRED),
        ({"active": True, "scope": "openid,profile"}, Kind.PERMISSION, Reason.PERMISSION_MISSING),
        ({"active": False}, Kind.TOKEN, Reason.REFUSED),
        ({}, Kind.UNCLEAR, Reason.UNREADABLE),
        ({"active": "yes"}, Kind.UNCLEAR, Reason.UNREADABLE),
    ],
)
async def test_introspection_is_the_probe(standing: dict[str, object], kind: Kind, reason: Reason) -> None:
    call, http = call_of(TinyLinkedIn())
    assert (await MEMBER.probe(call, ANNA)).id == ANNA.account_id
    assert http.calls() == ["POST /oauth/v2/introspectToken"]
    call, _ = call_of(TinyLinkedIn(standing=standing))
    with pytest.raises(PlatformError) as refused:
        await MEMBER.probe(call, ANNA)
    assert (refused.value.verdict.kind, refused.value.verdict.reason) == (kind, reason)


async def test_a_page_needs_its_role_as_well() -> None:
    twin = TinyLinkedIn()
    call, _ = call_of(twin)
    assert (await PAGE.probe(call, LAMP)).id == "5001"
    for roles in ({}, {"5001": "ANALYST"}, {"5002": "ADMINISTRATOR"}):
        twin.roles = roles
        with pytest.raises(PlatformError) as lost:
            await PAGE.probe(call, LAMP)
        assert lost.value.verdict.reason is Reason.ROLE_LOST


async def test_revoking_where_the_address_is_not_there_did_nothing() -> None:
    call, _ = call_of(TinyLinkedIn())
    assert await MEMBER.revoke(call, Tokens("AQX1"))
    call, _ = call_of(lambda _: reply(404, ""))
    assert not await MEMBER.revoke(call, Tokens("AQX1"))
    call, _ = call_of(lambda _: reply(401, {"error": "invalid_client"}))
    with pytest.raises(PlatformError):
        await MEMBER.revoke(call, Tokens("AQX1"))


@pytest.mark.parametrize(
    ("platform", "target", "author"),
    [(MEMBER, ANNA, "urn:li:person:782bbtaQ"), (PAGE, LAMP, "urn:li:organization:5001")],
)
async def test_a_text_is_one_request(platform: linkedin.LinkedIn, target: Target, author: str) -> None:
    twin = TinyLinkedIn()
    call, http = call_of(twin, not_after=5.0)
    content = Content(text="Open late", link="https://lamp.example/a")
    assert await platform.prepare(call, target, content, {}) == Ready({})
    sent = await platform.send(call, target, content, {})
    assert http.calls() == ["POST /rest/posts"] and http.seen[0].not_after == 5.0
    assert (sent.external_id, sent.permalink) == (URN, f"https://www.linkedin.com/feed/update/{URN}/")
    assert twin.posts == [
        {
            "author": author,
            "commentary": "Open late\nhttps://lamp.example/a",
            "visibility": "PUBLIC",
            "distribution": {
                "feedDistribution": "MAIN_FEED",
                "targetEntities": [],
                "thirdPartyDistributionChannels": [],
            },
            "lifecycleState": "PUBLISHED",
            "isReshareDisabledByAuthor": False,
        }
    ]


async def test_a_link_with_a_title_is_a_card() -> None:
    twin = TinyLinkedIn()
    call, _ = call_of(twin)
    content = Content(text="Open late", link="https://lamp.example/a", title="Lamps")
    await MEMBER.send(call, ANNA, content, {})
    assert twin.posts[0]["commentary"] == "Open late"
    assert twin.posts[0]["content"] == {"article": {"source": "https://lamp.example/a", "title": "Lamps"}}


async def test_a_post_without_an_id_is_unclear_and_a_copy_names_its_twin() -> None:
    call, _ = call_of(lambda _: reply(201, ""))
    with pytest.raises(PlatformError) as refused:
        await MEMBER.send(call, ANNA, Content(text="hi"), {})
    assert refused.value.verdict.kind is Kind.UNCLEAR
    words = f"Content is a duplicate of {URN}"
    body = {
        "status": 422,
        "errorDetails": {"inputErrors": [{"code": "DUPLICATE_POST", "description": words}]},
    }
    call, _ = call_of(lambda _: reply(422, body))
    with pytest.raises(PlatformError) as copy:
        await MEMBER.send(call, ANNA, Content(text="hi"), {})
    assert (copy.value.verdict.kind, copy.value.verdict.twin) == (Kind.DUPLICATE, URN)
    assert (await MEMBER.progress(call, ANNA, {}, URN)).permalink is not None


async def test_a_look_proves_nothing_and_asks_nobody() -> None:
    call, http = call_of(TinyLinkedIn())
    assert (await MEMBER.look(call, ANNA, Content(text="hi"), {}, SINCE, frozenset())).found is Found.UNKNOWN
    assert http.seen == []


async def test_pictures_go_up_one_by_one() -> None:
    twin = TinyLinkedIn()
    pictures = (picture(1, alt="A lamp"), picture(2, size=9))
    call, _ = call_of(twin, File(b"123456789"))
    content = Content(text="hi", media=pictures)
    first = await MEMBER.prepare(call, ANNA, content, {})
    assert isinstance(first, Wait) and first.handles == {"image0": "urn:li:image:1"}
    ready = await walk(MEMBER, call, ANNA, content, first.handles)
    assert twin.uploaded == {"image1": b"12345", "image2": b"123456789"}
    await MEMBER.send(call, ANNA, content, ready.handles)
    images = [{"id": "urn:li:image:1", "altText": "A lamp"}, {"id": "urn:li:image:2"}]
    assert twin.posts[0]["content"] == {"multiImage": {"images": images}}
    one = Content(text="hi", media=pictures[:1])
    await MEMBER.send(call, ANNA, one, {"image0": "urn:li:image:1"})
    assert twin.posts[1]["content"] == {"media": images[0]}


FILM = Content(text="hi", title="Lamps", media=(film_of(DATA),))


async def test_a_film_goes_up_slice_by_slice_and_is_watched() -> None:
    twin = TinyLinkedIn()
    call, _ = call_of(twin, File(DATA))
    ready = await walk(PAGE, call, LAMP, FILM)
    assert twin.uploaded == {"video0": DATA[:10], "video1": DATA[10:20], "video2": DATA[20:]}
    assert ready.handles["video"] == "urn:li:video:1" and "parts" not in ready.handles
    await PAGE.send(call, LAMP, FILM, ready.handles)
    assert twin.posts[0]["content"] == {"media": {"id": "urn:li:video:1", "title": "Lamps"}}


async def test_slices_whose_address_has_ended_are_begun_anew_a_few_times() -> None:
    twin = TinyLinkedIn(expired=2)
    call, _ = call_of(twin, File(DATA))
    await walk(MEMBER, call, ANNA, FILM)
    assert [name for name, _ in twin.asked].count("POST /videos") == 4  # three begun, one finalized
    call, _ = call_of(TinyLinkedIn(expired=99), File(DATA))
    with pytest.raises(PlatformError):
        await walk(MEMBER, call, ANNA, FILM)


async def test_a_film_that_linkedin_cannot_process() -> None:
    call, _ = call_of(TinyLinkedIn(status=["PROCESSING_FAILED"]), File(DATA))
    with pytest.raises(PlatformError) as refused:
        await walk(MEMBER, call, ANNA, FILM)
    assert refused.value.verdict.kind is Kind.CONTENT


async def test_a_film_that_stays_in_processing_is_not_watched_for_ever() -> None:
    call, _ = call_of(TinyLinkedIn(status=["PROCESSING"]))
    looks = {"video": "urn:li:video:1", "finalized": "1", "looks": str(linkedin_media.LOOKS_MOST)}
    with pytest.raises(PlatformError) as later:
        await MEMBER.prepare(call, ANNA, FILM, looks)
    assert later.value.verdict.kind is Kind.NOT_READY


async def test_a_member_who_may_not_read_his_film_posts_it() -> None:
    denied = {"status": 403, "code": "ACCESS_DENIED", "message": "Not enough permissions"}
    call, _ = call_of(lambda _: reply(403, denied))
    handles = {"video": "urn:li:video:1", "finalized": "1"}
    assert await MEMBER.prepare(call, ANNA, FILM, handles) == Ready(handles)


@pytest.mark.parametrize(("status", "goes_on"), [("PROCESSING", True), ("WAITING_UPLOAD", False)])
async def test_a_finalization_whose_answer_was_lost(status: str, goes_on: bool) -> None:
    def answer(seen: Seen) -> Response:
        if seen.method == "POST":
            return reply(400, {"status": 400, "code": "ILLEGAL_ARGUMENT"})
        return reply(200, {"status": status})

    handles = {"video": "urn:li:video:1", "token": "t", "parts": '[["u", 0, 24]]', "etags": '["e"]'}
    call, _ = call_of(answer)
    if goes_on:
        made = await MEMBER.prepare(call, ANNA, FILM, handles)
        assert made.handles["finalized"] == "1"
    else:
        with pytest.raises(PlatformError):
            await MEMBER.prepare(call, ANNA, FILM, handles)


async def test_the_bearer_goes_to_linkedin_only() -> None:
    value = {"value": {"uploadUrl": "https://evil.example/dms-uploads/x", "image": "urn:li:image:1"}}
    call, http = call_of(lambda _: reply(200, value), File(DATA))
    with pytest.raises(Exception, match="not allowed"):
        await MEMBER.prepare(call, ANNA, Content(media=(picture(),)), {})
    assert len(http.seen) == 1


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [{"uploadUrl": UPLOAD, "firstByte": 0, "lastByte": 9}],
        [{"uploadUrl": UPLOAD, "firstByte": 5, "lastByte": 24}],
        [{"uploadUrl": UPLOAD, "firstByte": "x", "lastByte": 24}],
        [{"firstByte": 0, "lastByte": 24}],
    ],
)
async def test_instructions_that_do_not_cover_the_film(parts: list[object]) -> None:
    value = {"value": {"video": "urn:li:video:1", "uploadToken": "", "uploadInstructions": parts}}
    call, _ = call_of(lambda _: reply(200, value), File(DATA))
    with pytest.raises(PlatformError) as refused:
        await MEMBER.prepare(call, ANNA, FILM, {})
    assert refused.value.verdict.code == "no_upload_instructions"


async def test_instructions_in_another_order_are_followed_by_their_bytes() -> None:
    parts = [
        {"uploadUrl": f"{UPLOAD}/b", "firstByte": 10, "lastByte": 24},
        {"uploadUrl": f"{UPLOAD}/a", "firstByte": 0, "lastByte": 9},
    ]
    value = {"value": {"video": "urn:li:video:1", "uploadToken": "", "uploadInstructions": parts}}
    call, _ = call_of(lambda _: reply(200, value), File(DATA))
    made = await MEMBER.prepare(call, ANNA, FILM, {})
    assert [part[0] for part in json.loads(made.handles["parts"])] == [f"{UPLOAD}/a", f"{UPLOAD}/b"]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("plain", "plain"),
        ("Late (again) #lamp!", r"Late \(again\) {hashtag|\#|lamp}!"),
        ("a_b *c* ~d~ <e> [f] {g} |h| @i \\j", r"a\_b \*c\* \~d\~ \<e\> \[f\] \{g\} \|h\| \@i \\j"),
        ("https://a.example/x_(y)#top #up", r"https://a.example/x\_\(y\)\#top {hashtag|\#|up}"),
        ("#1 and a#b", r"\#1 and a\#b"),
        ("#open_late", r"{hashtag|\#|open\_late}"),
    ],
)
def test_little_text(ours: str, theirs: str) -> None:
    assert little.commentary(Content(text=ours)) == theirs


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        (Content(), "text", Reason.TEXT_REFUSED),
        (Content(text="x" * 3001), "text", Reason.TEXT_TOO_LONG),
        (Content(text="(" * 1501), "text", Reason.TEXT_TOO_LONG),
        (Content(media=(film_of(DATA * 4000), picture())), "media", Reason.MEDIA_FORMAT),
        (Content(media=tuple(picture(n) for n in range(21))), "media", Reason.MEDIA_FORMAT),
        (Content(media=(picture(mime="image/webp"),)), "media", Reason.MEDIA_FORMAT),
        (Content(media=(picture(width=7000, height=7000),)), "media", Reason.MEDIA_SIZE),
        (Content(media=(film_of(DATA),)), "media", Reason.MEDIA_SIZE),
        (Content(media=(film_of(DATA * 4000, duration=2.0),)), "media", Reason.MEDIA_DURATION),
    ],
)
def test_what_linkedin_would_refuse(content: Content, field: str, reason: Reason) -> None:
    problems = MEMBER.check(content)
    assert [(problem.field, problem.reason) for problem in problems] == [(field, reason)]
    assert problems[0].text.endswith(".")


def test_what_linkedin_takes() -> None:
    assert MEMBER.check(Content(text="x" * 3000)) == ()
    assert MEMBER.check(Content(media=(film_of(DATA * 4000, duration=3.0),))) == ()


async def test_a_lost_answer_leaves_as_it_is() -> None:
    call, _ = call_of(lambda _: NoAnswer("POST"))
    with pytest.raises(NoAnswer):
        await MEMBER.send(call, ANNA, Content(text="hi"), {})


VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2)
OBJECTS = st.dictionaries(
    st.sampled_from(["uploadUrl", "image", "video", "uploadInstructions", "role", "organization", "code"]),
    VALUES,
)
BODIES = st.dictionaries(
    st.sampled_from(
        ["value", "elements", "sub", "name", "access_token", "active", "status", "error", "code"]
    ),
    VALUES | OBJECTS | st.lists(OBJECTS, max_size=2),
)


@given(st.sampled_from([200, 201, 400, 401, 403, 404, 422, 426, 429, 500]), BODIES | VALUES)
async def test_only_platform_errors_leave(status: int, body: object) -> None:
    call, _ = call_of(lambda _: reply(status, body), File(DATA))
    tokens, pictures = Tokens("at", "rt"), Content(text="hi", media=(picture(),))
    half = {"video": "urn:li:video:1", "token": "t", "parts": f'[["{UPLOAD}", 0, 24]]', "etags": "[]"}
    done = {"video": "urn:li:video:1", "finalized": "1"}
    for action in (
        lambda: MEMBER.exchange(call, "c", REDIRECT, None),
        lambda: MEMBER.refresh(call, tokens),
        lambda: MEMBER.discover(call, tokens),
        lambda: PAGE.discover(call, tokens),
        lambda: PAGE.probe(call, LAMP),
        lambda: MEMBER.revoke(call, tokens),
        lambda: MEMBER.prepare(call, ANNA, FILM, {}),
        lambda: MEMBER.prepare(call, ANNA, FILM, half),
        lambda: MEMBER.prepare(call, ANNA, FILM, half | {"etags": '["e"]'}),
        lambda: MEMBER.prepare(call, ANNA, FILM, done),
        lambda: MEMBER.send(call, ANNA, Content(text="hi"), {}),
        lambda: MEMBER.send(call, ANNA, FILM, done),
    ):
        try:
            await action()
        except PlatformError as error:
            assert error.verdict.kind in Kind
    if status == 500:
        with pytest.raises(PlatformError):
            await MEMBER.prepare(call, ANNA, pictures, {})
