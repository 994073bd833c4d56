"""Walks through the twins of Facebook and Threads that many tests begin with.

walks = MetaWalks(twins)
page = await walks.page_token()
answer = await walks.fb("POST", f"/{PAGE}/feed", page, message="Hello")
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import httpx

from sandbox.platforms.model import Account, App
from sandbox.platforms.testing import Twins

FB_BACK = "https://bot.example/oauth/facebook/callback"
TH_BACK = "https://bot.example/oauth/threads/callback"
FB_SCOPES = (
    "pages_show_list,pages_read_engagement,pages_manage_posts,pages_manage_engagement,business_management,"
    "instagram_basic,instagram_content_publish"
)
TH_SCOPES = "threads_basic,threads_content_publish,threads_manage_replies,threads_delete"
ANNA, BEN = "10220000000000001", "10220000000000002"
PAGE, OWNED, EMPTY = "100000000000001", "100000000000002", "100000000000003"
LINKED = "17841400000000001"
THREADER, OTHER = "26000000000000001", "26000000000000002"
ALL = ["ANALYZE", "ADVERTISE", "MODERATE", "CREATE_CONTENT", "MANAGE", "MESSAGING"]


def facebook_query(**changes: str) -> dict[str, str]:
    """A good authorization request for Facebook."""
    query = {"client_id": "fb-app", "redirect_uri": FB_BACK, "response_type": "code", "scope": FB_SCOPES}
    return {**query, "state": "state-1", **changes}


def threads_query(**changes: str) -> dict[str, str]:
    """A good authorization request for Threads."""
    query = {"client_id": "th-app", "redirect_uri": TH_BACK, "response_type": "code", "scope": TH_SCOPES}
    return {**query, "state": "state-1", **changes}


def populate(twins: Twins) -> None:
    """Two apps; two people; Pages (one in a portfolio, one linked to Instagram); two profiles."""
    world = twins.world
    for platform, short, scopes, back in (
        ("facebook", "fb", FB_SCOPES, FB_BACK),
        ("threads", "th", TH_SCOPES, TH_BACK),
    ):
        app = App(
            platform=platform,
            client_id=f"{short}-app",
            secret=f"{short}-secret-1",
            redirect_uris=(back,),
            scopes=frozenset([*scopes.split(","), "pages_manage_metadata"]),
        )
        world.register_app(app)
    for id, name in ((ANNA, "Anna"), (BEN, "Ben")):
        world.add_account(Account(platform="facebook", id=id, handle=name.lower(), name=name))
    pages: tuple[tuple[str, str, dict[str, Any]], ...] = (
        (PAGE, "bakery", {"roles": {ANNA: ALL, BEN: ["ANALYZE"]}, "instagram": LINKED}),
        (OWNED, "florist", {"roles": {ANNA: ALL}, "business": "500000000000001"}),
        (EMPTY, "garage", {"roles": {BEN: ALL}}),
    )
    for id, handle, extra in pages:
        page = Account(platform="facebook", id=id, handle=handle, name=handle.title(), login=False)
        world.add_account(replace(page, extra=extra))
    for id, handle in ((THREADER, "bakery"), (OTHER, "florist")):
        world.add_account(Account(platform="threads", id=id, handle=handle, name=handle.title()))


@dataclass(frozen=True)
class MetaWalks:
    """Calls with the right credentials."""

    twins: Twins

    async def consent_fb(self, /, query: dict[str, str] | None = None, **form: Any) -> dict[str, str]:
        """Walk Facebook's dialog; what comes back in the redirect's query."""
        asked = query or facebook_query()
        path = "/www.facebook.com/v26.0/dialog/oauth"
        return await self.twins.consent(path, asked, form or {"decision": "approve"})

    async def fb_token(self, **form: str) -> httpx.Response:
        """Ask Facebook's token endpoint with the right client."""
        query = {"client_id": "fb-app", "client_secret": "fb-secret-1", **form}
        return await self.twins.http.get("/graph.facebook.com/v26.0/oauth/access_token", params=query)

    async def fb_exchange(self, code: str, /, **changes: str) -> httpx.Response:
        """Exchange a code for a short-lived token."""
        return await self.fb_token(**{"redirect_uri": FB_BACK, "code": code, **changes})

    async def fb_lengthen(self, token: str) -> httpx.Response:
        """Exchange a person's token for a long-lived one."""
        return await self.fb_token(grant_type="fb_exchange_token", fb_exchange_token=token)

    async def fb_short(self, /, query: dict[str, str] | None = None, **form: Any) -> str:
        """A person's short-lived token."""
        answer = await self.fb_exchange((await self.consent_fb(query, **form))["code"])
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def fb_link(self, /, query: dict[str, str] | None = None, **form: Any) -> str:
        """The long-lived token of a whole walk."""
        answer = await self.fb_lengthen(await self.fb_short(query, **form))
        return str(answer.json()["access_token"])

    async def mint(self, person: str, page: str = PAGE) -> str:
        """A Page's token from a person's."""
        answer = await self.fb("GET", f"/{page}", person, fields="access_token")
        return str(answer.json()["access_token"])

    async def page_token(self, page: str = PAGE) -> str:
        """A Page's token after a whole walk."""
        return await self.mint(await self.fb_link(), page)

    async def fb(self, method: str, path: str, token: str, **query: Any) -> httpx.Response:
        """Call the Graph API."""
        params = {**query, "access_token": token}
        return await self.twins.http.request(method, f"/graph.facebook.com/v26.0{path}", params=params)

    async def debug(self, token: str) -> dict[str, Any]:
        """What debug_token says."""
        answer = await self.fb("GET", "/debug_token", "fb-app|fb-secret-1", input_token=token)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])

    async def th_exchange(self, code: str, /, **changes: str) -> httpx.Response:
        """Exchange a Threads code."""
        form = {
            "client_id": "th-app",
            "client_secret": "th-secret-1",
            "grant_type": "authorization_code",
            "redirect_uri": TH_BACK,
            "code": code,
        }
        return await self.twins.http.post("/graph.threads.net/oauth/access_token", data={**form, **changes})

    async def consent_th(self, /, query: dict[str, str] | None = None, **form: Any) -> dict[str, str]:
        """Walk Threads' consent page; what comes back in the redirect's query."""
        path = "/www.threads.com/oauth/authorize"
        return await self.twins.consent(path, query or threads_query(), form or {"decision": "approve"})

    async def th_lengthen(self, token: str) -> httpx.Response:
        """Exchange a short-lived Threads token."""
        query = {"grant_type": "th_exchange_token", "client_secret": "th-secret-1", "access_token": token}
        return await self.twins.http.get("/graph.threads.net/access_token", params=query)

    async def th_refresh(self, token: str) -> httpx.Response:
        """Refresh a long-lived Threads token."""
        query = {"grant_type": "th_refresh_token", "access_token": token}
        return await self.twins.http.get("/graph.threads.net/refresh_access_token", params=query)

    async def th_link(self, /, **form: Any) -> str:
        """The long-lived token of a whole walk at Threads."""
        short = await self.th_exchange((await self.consent_th(**form))["code"])
        assert short.status_code == 200, short.text
        return str((await self.th_lengthen(short.json()["access_token"])).json()["access_token"])

    async def th(self, method: str, path: str, token: str, **query: Any) -> httpx.Response:
        """Call Threads' API."""
        params = {**query, "access_token": token}
        return await self.twins.http.request(method, f"/graph.threads.net/v1.0{path}", params=params)
