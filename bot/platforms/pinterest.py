"""Pinterest: API v5. A connection is a board, because every pin needs one.

    post       point of no return         what a look can prove
    any pin    the call that creates it   there, by exactly one fitting pin on the board; nothing is proved
                                          absent by a list

Refresh tokens are renewed at each refresh; whether the old one dies at once is unconfirmed and assumed.
Sources: developers.pinterest.com (authentication, API v5: OAuth token, boards, pins, media).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.http import HttpError
from bot.platforms import oauth, pinterest_errors, pinterest_pins, reading, text
from bot.platforms.base import (
    Account,
    Call,
    Discovery,
    Found,
    Handles,
    Look,
    PlatformInfo,
    Ready,
    RefreshKind,
    RefreshModel,
    Scope,
    Sent,
    Target,
    Tokens,
    Wait,
)
from bot.platforms.content import Content, ContentProblem, MediaKind, PostLimits
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.settings import AppCredentials

BOARDS_PAGE, BOARDS_PAGES = 250, 8
PINS_PAGE = 50
NO_REFRESH_TOKEN = Verdict(Kind.UNKNOWN, Reason.UNKNOWN, "no_refresh_token")
BOARD_GONE = Verdict(Kind.ACCOUNT, Reason.TARGET_GONE, "no_board")
PASSES = (Kind.TRY_LATER, Kind.UNCLEAR, Kind.TOKEN, Kind.APP)  # a later look may succeed

INFO = PlatformInfo(
    key="pinterest",
    title="Pinterest",
    provider="pinterest",
    scopes=(
        Scope("user_accounts:read", "knowing which account this is"),
        Scope("boards:read", "knowing which boards there are"),
        Scope("boards:write", "posting to a board"),
        Scope("pins:read", "reading back what was posted"),
        Scope(pinterest_pins.WRITE, "posting"),
    ),
    refresh=RefreshModel(RefreshKind.ROTATING, margin=timedelta(days=15), assumed_life=timedelta(days=30)),
    hosts=pinterest_pins.HOSTS,
    token_host="api.pinterest.com",
    permission_page="https://www.pinterest.com/settings/security",
    limits=PostLimits(
        text_max=pinterest_pins.TEXT_MAX,
        titled="pins",
        media_min=1,
        media_max=pinterest_pins.PICTURES_MAX,
    ),
    pkce=False,
    confirm_after_consent=True,  # there is no way to make it show account choice
    unreviewed="While the app has Trial access, only the account itself sees its pins.",
    account_noun="board",
    post_noun="pin",
)


@dataclass(frozen=True, slots=True)
class Pinterest:
    """The platform Pinterest."""

    info: PlatformInfo = INFO

    def authorization_url(
        self, app: AppCredentials, redirect_uri: str, state: str, challenge: str | None
    ) -> str:
        scopes = [scope.name for scope in INFO.scopes]
        base = "https://www.pinterest.com/oauth/"
        return oauth.authorization_url(base, app.client_id, redirect_uri, scopes, state, separator=",")

    async def exchange(self, call: Call, code: str, redirect_uri: str, verifier: str | None) -> Tokens:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return await _tokens(call, form)

    async def refresh(self, call: Call, tokens: Tokens) -> Tokens:
        if tokens.refresh_token is None:
            raise PlatformError(NO_REFRESH_TOKEN)
        return await _tokens(call, {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token})

    async def revoke(self, call: Call, tokens: Tokens) -> bool:
        return False  # the call that exists is for system users only

    async def discover(self, call: Call, tokens: Tokens) -> Discovery:
        """The person and the boards that can be pinned to."""
        token = tokens.access_token
        body = await pinterest_pins.api(call, "GET", "/user_account", token, "user_accounts:read")
        user_id, username = oauth.word(body.get("id")), oauth.word(body.get("username"))
        subject = user_id or username
        if subject is None:
            raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_user_id"))
        name = oauth.word(body.get("business_name")) or username or subject
        picture = oauth.word(body.get("profile_image"))
        boards = [board async for board in _boards(call, token, username or subject, picture)]
        return Discovery(subject, name, tuple(boards))

    async def check_app(self, call: Call) -> bool:
        return False  # nothing that we use takes a token of the app alone

    async def mint(self, call: Call, tokens: Tokens, account_id: str) -> str | None:
        return None

    async def probe(self, call: Call, target: Target) -> Account:
        """The board is still there for this token."""
        owner = target.handle.partition("/")[0]
        async for board in _boards(call, target.token, owner, None):
            if board.id == target.account_id:
                return board
        raise PlatformError(BOARD_GONE)

    def check(self, content: Content) -> tuple[ContentProblem, ...]:
        return tuple(pinterest_pins.problems(content))

    def appearance(self, content: Content) -> Content:
        return content

    async def prepare(self, call: Call, target: Target, content: Content, handles: Handles) -> Ready | Wait:
        if content.media[0].kind is MediaKind.VIDEO:
            return await pinterest_pins.film_step(call, target, content.media[0], handles)
        return Ready(handles)  # pictures are fetched by Pinterest

    async def send(self, call: Call, target: Target, content: Content, handles: Handles) -> Sent:
        if content.media[0].kind is MediaKind.VIDEO and "uploaded" not in handles:
            raise PlatformError(Verdict(Kind.NOT_READY, Reason.UNKNOWN, "no_upload"))
        pin = pinterest_pins.pin(target.account_id, content, handles)
        try:
            body = await pinterest_pins.api(
                call, "POST", "/pins", target.token, pinterest_pins.WRITE, body=pin
            )
        except PlatformError as error:
            if error.verdict.reason is Reason.ROLE_LOST:
                await self._is_it_the_app(call, target)
            raise
        pin_id = oauth.word(body.get("id"))
        if pin_id is None:
            raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_id"))
        return Sent(pin_id, _permalink(pin_id), visibility=None if call.app.reviewed else "private")

    async def _is_it_the_app(self, call: Call, target: Target) -> None:
        """A board that is refused: raises where our app is refused everything, not this board alone."""
        try:
            await self.probe(call, target)
        except HttpError:
            return
        except PlatformError as error:
            if error.verdict.kind is Kind.APP:
                raise

    async def progress(self, call: Call, target: Target, handles: Handles, external_id: str | None) -> Sent:
        return Sent(external_id, _permalink(external_id) if external_id else None)

    async def look(
        self,
        call: Call,
        target: Target,
        content: Content,
        handles: Handles,
        since: datetime,
        taken: frozenset[str],
    ) -> Look:
        path, params = f"/boards/{target.account_id}/pins", {"page_size": str(PINS_PAGE)}
        try:
            body = await pinterest_pins.api(call, "GET", path, target.token, "pins:read", params=params)
        except PlatformError as error:
            if error.verdict.kind in PASSES:
                raise
            return Look(Found.UNKNOWN)
        twin = _only_twin(body, content, since.astimezone(UTC).replace(microsecond=0), taken)
        return Look(Found.THERE, twin, _permalink(twin)) if twin else Look(Found.UNKNOWN)


def _permalink(pin_id: str) -> str:
    return f"https://www.pinterest.com/pin/{pin_id}/"


async def _tokens(call: Call, form: Mapping[str, str]) -> Tokens:
    """`continuous_refresh` is what older apps need to get tokens that can be renewed for ever."""
    response = await call.http.request(
        "POST",
        f"{pinterest_pins.API}/oauth/token",
        hosts=INFO.hosts,
        deadline=call.deadline,
        not_after=call.not_after,
        headers={"Authorization": oauth.basic_auth(call.app)},
        data={**form, "continuous_refresh": "true"},
    )
    body = oauth.read_object(response)
    if not 200 <= response.status < 300 or (
        body is not None and "access_token" not in body and "code" in body
    ):
        raise PlatformError(pinterest_errors.classify_token(response))
    return oauth.parse_tokens(body)


async def _boards(call: Call, token: str, owner: str, picture: str | None) -> AsyncIterator[Account]:
    """The boards, page by page. Pins on secret ones are seen by nobody else, so those are left out."""
    bookmark: str | None = None
    for _ in range(BOARDS_PAGES):
        params = {"page_size": str(BOARDS_PAGE)} | ({"bookmark": bookmark} if bookmark else {})
        try:
            body = await pinterest_pins.api(call, "GET", "/boards", token, "boards:read", params=params)
        except PlatformError as error:
            raise PlatformError(pinterest_errors.of_our_app(error.verdict)) from None
        if not isinstance(body.get("items"), list):
            raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_boards"))
        for item in reading.objects(body, "items"):
            board_id, name = oauth.word(item.get("id")), oauth.word(item.get("name")) or ""
            if board_id and re.fullmatch(r"\d+", board_id, re.ASCII) and item.get("privacy") != "SECRET":
                yield Account(board_id, f"{owner}/{_slug(name) or board_id}", name or board_id, picture)
        bookmark = oauth.word(body.get("bookmark"))
        if bookmark is None:
            return


def _slug(name: str) -> str:
    """A board's name as a handle can hold it: lower case, hyphens for all but letters and digits."""
    return re.sub(r"[\W_]+", "-", name.casefold()).strip("-")


def _only_twin(body: oauth.Body, content: Content, floor: datetime, taken: frozenset[str]) -> str | None:
    """The one pin since `floor` that is ours and nobody else's; None unless all since then were seen."""
    items = reading.objects(body, "items")
    moments = [reading.moment(item.get("created_at")) for item in items]
    known = [moment for moment in moments if moment is not None]
    newest_first = len(known) == len(items) and known == sorted(known, reverse=True)
    if oauth.word(body.get("bookmark")) and not (newest_first and known and known[-1] < floor):
        return None
    ids = [
        oauth.word(item.get("id"))
        for item, created in zip(items, moments, strict=True)
        if created is not None and created >= floor and _fits(item, content)
    ]
    free = [pin_id for pin_id in ids if pin_id not in taken]
    return free[0] if len(free) == 1 else None


def _fits(item: oauth.Body, content: Content) -> bool:
    """Whether a pin says what ours says; without any words nothing can be told apart."""
    pairs = (
        (content.title or "", item.get("title")),
        (content.text, item.get("description")),
        (content.link or "", item.get("link")),
    )
    said = any(ours.strip() for ours, _ in pairs)
    return said and all(text.same_caption(ours, oauth.word(theirs) or "") for ours, theirs in pairs)
