"""Which Pages, and which Instagram accounts behind them, a Facebook login reaches, each with its own token.

A Page without a token of its own was not ticked in the dialog: it is shown and cannot be linked. What an
Instagram account behind a Page may do for reading differs by token, so its own token is a pair: the Page's,
then, after a blank, the person's (`Pair`).
Sources: developers.facebook.com (user accounts, business owned and client pages, Instagram API with Facebook
login); the fallback over businesses and the pair are what integrators do.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from bot.platforms import oauth
from bot.platforms.base import Account, Discovery, Tokens
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.platforms.facebook_graph import Graph
from bot.platforms.facebook_login import who
from bot.platforms.reading import member, objects

LIST = "pages_show_list"
PUBLISH = "pages_manage_posts"
BUSINESSES = "business_management"
IG_BASIC = "instagram_basic"
IG_PUBLISH = "instagram_content_publish"

PAGE_FIELDS = "id,name,username,access_token,tasks,picture{url}"
IG_FIELDS = "instagram_business_account{id,username,name,profile_picture_url}"
PAGE_SIZE = "100"
NOT_LENT = frozenset({"access_token", "appsecret_proof", "fields"})  # what each call has of its own
LISTS_MOST = 50  # pages of one list; a list that goes round in circles ends

POSTS_ON_PAGE = frozenset({"CREATE_CONTENT"})
POSTS_BEHIND_IT = frozenset({"CREATE_CONTENT", "MANAGE"})  # on the linked Instagram account
NOT_TICKED = Verdict(Kind.PERMISSION, Reason.PERMISSION_MISSING, "no_page_token", permission=PUBLISH)


@dataclass(frozen=True, slots=True)
class Pair:
    """The tokens that speak for an Instagram account behind a Page, written as one."""

    page: str = field(repr=False)
    person: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, written: str) -> Pair:
        """A Page's token alone is a pair without the other."""
        page, _, person = written.partition(" ")
        return cls(page, person or None)

    def __str__(self) -> str:
        return f"{self.page} {self.person}" if self.person else self.page


async def discover(graph: Graph, tokens: Tokens) -> Discovery:
    """The person, and everything that can be linked or says why not."""
    subject, name = await who(graph, tokens.access_token)
    accounts = [account for page in await _pages(graph, tokens) for account in _accounts(page, tokens)]
    return Discovery(subject, name, tuple(accounts))


async def page_token(graph: Graph, tokens: Tokens, page_id: str) -> str:
    """A Page's token under the person's present one. Raises where the person did not tick the Page."""
    body = await graph.get(f"/{page_id}", tokens.access_token, LIST, fields="access_token")
    token = oauth.credential(body.get("access_token"))
    if token is None:
        raise PlatformError(NOT_TICKED)
    return token


async def instagram_pair(graph: Graph, tokens: Tokens, account_id: str) -> str:
    """The pair for an Instagram account. Raises where no Page with a token leads to it any more."""
    for page in await _pages(graph, tokens):
        token = oauth.credential(page.get("access_token"))
        if token and oauth.word(member(page, "instagram_business_account").get("id")) == account_id:
            return str(Pair(token, tokens.access_token))
    raise PlatformError(Verdict(Kind.PERMISSION, Reason.ROLE_LOST, "no_page_of_account", permission=LIST))


async def _pages(graph: Graph, tokens: Tokens) -> list[oauth.Body]:
    """Each Page once: those of the person, or, where that reaches none, those of the person's businesses."""
    fields = f"{PAGE_FIELDS},{IG_FIELDS}" if _reads_instagram(tokens) else PAGE_FIELDS
    found = {
        oauth.word(page.get("id")): page async for page in _listed(graph, tokens, "/me/accounts", fields)
    }
    if not any(page.get("access_token") for page in found.values()):
        try:
            async for page in _of_businesses(graph, tokens, fields):
                if page.get("access_token") or oauth.word(page.get("id")) not in found:
                    found[oauth.word(page.get("id"))] = page
        except PlatformError as error:
            if error.verdict.kind not in (Kind.PERMISSION, Kind.ACCOUNT, Kind.CONTENT, Kind.UNKNOWN):
                raise  # the rest means: there are no businesses to ask, and that is all that is known
    return [page for page_id, page in found.items() if page_id]


async def _of_businesses(graph: Graph, tokens: Tokens, fields: str) -> AsyncIterator[oauth.Body]:
    async for business in _listed(graph, tokens, "/me/businesses", "id"):
        business_id = oauth.word(business.get("id"))
        for edge in ("owned_pages", "client_pages") if business_id else ():
            async for page in _listed(graph, tokens, f"/{business_id}/{edge}", fields):
                yield page


async def _listed(graph: Graph, tokens: Tokens, path: str, fields: str) -> AsyncIterator[oauth.Body]:
    """All items of a list. The address of its next page lends its parameters, never its host."""
    params = {"fields": fields, "limit": PAGE_SIZE}
    needs = LIST if path == "/me/accounts" else BUSINESSES
    for _ in range(LISTS_MOST):
        body = await graph.get(path, tokens.access_token, needs, **params)
        for item in objects(body, "data"):
            yield item
        following = params | _next(body)
        if following == params:
            return
        params = following


def _next(body: oauth.Body) -> dict[str, str]:
    """The parameters by which the next page differs, whatever they are called; none at the end."""
    paging = member(body, "paging")
    address, after = paging.get("next"), oauth.word(member(paging, "cursors").get("after"))
    if not isinstance(address, str) or not address:
        return {}
    try:
        lent = dict(parse_qsl(urlsplit(address).query))
    except ValueError:
        lent = {}
    lent = {name: value for name, value in lent.items() if name not in NOT_LENT}
    return lent if lent.keys() - {"limit"} or after is None else {"after": after}


def _reads_instagram(tokens: Tokens) -> bool:
    return tokens.scopes is None or tokens.scopes >= {IG_BASIC, IG_PUBLISH}


def _accounts(page: oauth.Body, tokens: Tokens) -> Iterator[Account]:
    """The Page, and the Instagram account that is linked to it, if any."""
    page_id = oauth.word(page.get("id")) or ""
    name = oauth.word(page.get("name")) or page_id
    own, problem = oauth.credential(page.get("access_token")), _problem(page, POSTS_ON_PAGE)
    yield Account(
        id=page_id,
        handle=oauth.word(page.get("username")) or "",  # many Pages have none
        name=name,
        picture_url=oauth.word(member(member(page, "picture"), "data").get("url")),
        own_token=own,
        usable=problem is None,
        problem=problem,
    )
    linked = member(page, "instagram_business_account")
    account_id, handle = oauth.word(linked.get("id")), oauth.word(linked.get("username"))
    if account_id is None:
        return
    problem = _problem(page, POSTS_BEHIND_IT)
    yield Account(
        id=account_id,
        handle=handle or "",
        name=oauth.word(linked.get("name")) or handle or name,
        picture_url=oauth.word(linked.get("profile_picture_url")),
        own_token=str(Pair(own, tokens.access_token)) if own else None,
        usable=problem is None,
        problem=problem,
        platform="instagram",
    )


def _problem(page: oauth.Body, right: frozenset[str]) -> Reason | None:
    """Why nothing can be posted there: not ticked in the dialog, or a role without any task of `right`."""
    if oauth.credential(page.get("access_token")) is None:
        return Reason.PERMISSION_MISSING
    tasks = page.get("tasks")
    if isinstance(tasks, list) and tasks and not right.intersection(map(str, tasks)):
        return Reason.ROLE_LOST
    return None
