"""Instagram on a Facebook grant: its consent, its pair of tokens, and the second try of its reads."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.http import Response
from bot.platforms.base import Found, Ready, Target, Tokens, Wait
from bot.platforms.errors import Kind, PlatformError, Reason
from bot.platforms.instagram_facebook import InstagramOnFacebook
from tests.platforms.meta_fakes import (
    FB_SCOPES,
    IG,
    IG_SCOPES,
    PAIR_TARGET,
    TinyFacebook,
    page,
    proof,
    refusal,
)
from tests.platforms.platform_fakes import APP, IG_POST, REDIRECT, Sight, always, call_of, graph_error, reply

PLATFORM = InstagramOnFacebook("v26.0")
SINCE = datetime(2026, 11, 20, 10, 0, 0, 400_000, tzinfo=UTC)
LONG = Tokens("EAA-long", scopes=frozenset(IG_SCOPES))
NOT_SEEN = [graph_error(100, 33), graph_error(10), graph_error(10, 2207006)]


class TinyBusiness:
    """One account behind a Page; the Page's token is refused what `page_sees` does not say."""

    def __init__(self, refused: object = None, status: str = "FINISHED") -> None:
        self.refused = refused
        self.status = status
        self.made: list[tuple[str, str]] = []

    def __call__(self, sight: Sight) -> Response:
        assert sight.host == "graph.facebook.com"
        token = sight.headers["authorization"].removeprefix("Bearer ")
        assert (sight.params or sight.form)["appsecret_proof"] == proof(token)
        path = sight.path.removeprefix("/v26.0")
        if sight.method == "POST":
            self.made.append((path, token))
            return reply(200, {"id": "17900" if path.endswith("/media") else "18001"})
        if self.refused is not None and token == "EAA-page":
            return reply(400, self.refused)
        if path == f"/{IG}":
            return reply(
                200, {"id": IG, "username": "lamp", "name": "Lamp", "profile_picture_url": "https://p"}
            )
        if path == f"/{IG}/media":
            item = {"id": "18001", "caption": IG_POST.text, "timestamp": "2026-11-20T10:00:01+0000"}
            return reply(200, {"data": [item]})
        return reply(200, {"status_code": self.status, "permalink": "https://www.instagram.com/p/abc/"})


def test_authorization_url_is_facebooks_with_instagrams_scopes() -> None:
    parts = urlsplit(PLATFORM.authorization_url(APP, REDIRECT, "state", None))
    query = parse_qs(parts.query)
    assert (parts.netloc, parts.path) == ("www.facebook.com", "/v26.0/dialog/oauth")
    assert set(query["scope"][0].split(",")) >= {*IG_SCOPES[3:], "pages_show_list", "pages_read_engagement"}
    assert "pages_manage_posts" in query["scope"][0], "a narrower consent might cut the Pages off"
    assert query["auth_type"] == ["rerequest"]


def test_it_is_instagram_to_people_and_facebook_to_grants() -> None:
    info = PLATFORM.info
    assert (info.key, info.provider, info.token_host) == ("instagram", "facebook", "graph.facebook.com")
    assert info.hosts == {"graph.facebook.com"}


async def test_consent_refresh_and_the_end_are_facebooks() -> None:
    call, _ = call_of(TinyFacebook(granted=IG_SCOPES))
    tokens = await PLATFORM.exchange(call, "AQD", REDIRECT, None)
    assert (tokens.access_token, tokens.data_access_expires_in) == ("EAA-long", 90 * 86400)
    assert (await PLATFORM.refresh(call, tokens)).access_token == "EAA-long+"
    again, _ = call_of(always(reply(200, "true")))
    assert await PLATFORM.revoke(again, tokens)


async def test_only_instagram_accounts_are_found() -> None:
    pages = [page("101", instagram=IG), page("102", "EAA-2"), page("103", None, instagram="178")]
    call, _ = call_of(TinyFacebook(lists={"/me/accounts": [pages]}))
    found = await PLATFORM.discover(call, LONG)
    first, unticked = found.accounts
    assert (found.subject, first.id, first.handle, first.platform) == ("77", IG, "lamp", None)
    assert (first.own_token, first.usable) == ("EAA-page EAA-long", True)
    assert (unticked.usable, unticked.problem) == (False, Reason.PERMISSION_MISSING)


async def test_a_login_without_instagrams_rights_finds_none() -> None:
    call, _ = call_of(TinyFacebook(lists={"/me/accounts": [[page("101", instagram=IG)]]}))
    found = await PLATFORM.discover(call, Tokens("EAA-long", scopes=frozenset(FB_SCOPES)))
    assert all(account.platform is None for account in found.accounts)


async def test_the_pair_is_minted_from_the_page_that_leads_there() -> None:
    pages = [page("102", "EAA-2"), page("101", "EAA-new", instagram=IG)]
    call, _ = call_of(TinyFacebook(lists={"/me/accounts": [pages]}))
    assert await PLATFORM.mint(call, Tokens("EAA-long+"), IG) == "EAA-new EAA-long+"
    verdict = await refusal(lambda: PLATFORM.mint(call, Tokens("EAA-long+"), "178"))
    assert (verdict.kind, verdict.reason) == (Kind.PERMISSION, Reason.ROLE_LOST)


async def test_reads_go_by_the_pages_token_first() -> None:
    call, http = call_of(TinyBusiness())
    account = await PLATFORM.probe(call, PAIR_TARGET)
    assert (account.id, account.handle, account.picture_url) == (IG, "lamp", "https://p")
    assert [sight.headers["authorization"] for sight in http.seen] == ["Bearer EAA-page"]


@pytest.mark.parametrize("refused", NOT_SEEN)
async def test_what_the_page_is_not_shown_is_read_as_the_person(refused: object) -> None:
    call, http = call_of(TinyBusiness(refused))
    assert (await PLATFORM.probe(call, PAIR_TARGET)).id == IG
    tokens = [sight.headers["authorization"] for sight in http.seen]
    assert tokens == ["Bearer EAA-page", "Bearer EAA-long"]


@pytest.mark.parametrize(
    ("refused", "kind"),
    [
        (graph_error(190, 460), Kind.DEAD),
        (graph_error(80002), Kind.TRY_LATER),
        (graph_error(2), Kind.UNCLEAR),
        (graph_error(100), Kind.UNKNOWN),
    ],
)
async def test_any_other_refusal_is_the_answer(refused: object, kind: Kind) -> None:
    call, http = call_of(TinyBusiness(refused))
    assert (await refusal(lambda: PLATFORM.probe(call, PAIR_TARGET))).kind is kind
    assert len(http.seen) == 1


async def test_a_pages_token_alone_has_no_second_try() -> None:
    call, http = call_of(TinyBusiness(graph_error(100, 33)))
    verdict = await refusal(lambda: PLATFORM.probe(call, Target(IG, "lamp", "EAA-page")))
    assert (verdict.kind, verdict.reason) == (Kind.ACCOUNT, Reason.ACCOUNT_GONE)
    assert len(http.seen) == 1


@pytest.mark.parametrize("refused", [None, *NOT_SEEN])
async def test_a_post_is_written_as_the_page_and_read_back(refused: object) -> None:
    twin = TinyBusiness(refused)
    call, _ = call_of(twin)
    step: Ready | Wait = Wait({}, 0.0)
    while isinstance(step, Wait):
        step = await PLATFORM.prepare(call, PAIR_TARGET, IG_POST, step.handles)
    sent = await PLATFORM.send(call, PAIR_TARGET, IG_POST, step.handles)
    assert (sent.external_id, sent.permalink) == ("18001", "https://www.instagram.com/p/abc/")
    assert twin.made == [(f"/{IG}/media", "EAA-page"), (f"/{IG}/media_publish", "EAA-page")]


@pytest.mark.parametrize("body", NOT_SEEN[:2])
async def test_a_refused_write_is_never_tried_as_the_person(body: object) -> None:
    call, http = call_of(always(reply(400, body)))
    await refusal(lambda: PLATFORM.send(call, PAIR_TARGET, IG_POST, {"container": "1"}))
    assert len(http.seen) == 1


@pytest.mark.parametrize(
    ("status", "found", "external_id"),
    [
        ("PUBLISHED", Found.THERE, "18001"),
        ("FINISHED", Found.ABSENT, None),
        ("IN_PROGRESS", Found.UNKNOWN, None),
    ],
)
@pytest.mark.parametrize("refused", [None, graph_error(100, 33)])
async def test_the_container_answers_for_the_post(
    refused: object, status: str, found: Found, external_id: str | None
) -> None:
    call, _ = call_of(TinyBusiness(refused, status))
    seen = await PLATFORM.look(call, PAIR_TARGET, IG_POST, {"container": "1"}, SINCE, frozenset())
    assert (seen.found, seen.external_id) == (found, external_id)


async def test_an_account_without_an_id_is_unclear() -> None:
    call, _ = call_of(always(reply(200, {"username": "lamp"})))
    with pytest.raises(PlatformError) as raised:
        await PLATFORM.probe(call, PAIR_TARGET)
    assert raised.value.verdict.kind is Kind.UNCLEAR
