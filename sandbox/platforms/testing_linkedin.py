"""Walks through the twin of LinkedIn that many tests begin with; `populate` first."""

from __future__ import annotations

from typing import Any

import httpx

from sandbox.platforms.model import Account, App
from sandbox.platforms.testing import Twins, jpeg

BACK = "https://bot.example/oauth/linkedin/callback"
MEMBER = "openid profile w_member_social"
PAGES = f"{MEMBER} w_organization_social r_organization_social rw_organization_admin"
AUTHORIZE = "/www.linkedin.com/oauth/v2/authorization"
TOKEN = "/www.linkedin.com/oauth/v2/accessToken"
PERSON, ORG = "urn:li:person:anna1", "urn:li:organization:5001"
CLIENT = {"client_id": "li-app", "client_secret": "li-secret-1"}
APP = App(
    platform="linkedin",
    client_id="li-app",
    secret="li-secret-1",
    redirect_uris=(BACK,),
    scopes=frozenset([*PAGES.split(), "email"]),
)
MP4 = b"\x00\x00\x00\x18ftypmp42"


def populate(twins: Twins) -> None:
    """Our app and some accounts."""
    twins.world.register_app(APP)
    roles = {"5001": "ADMINISTRATOR", "5002": "DIRECT_SPONSORED_CONTENT_POSTER"}
    people: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("anna1", "anna", "Anna Baker", {"roles": roles}),
        ("ben2", "ben", "Ben Florist", {}),
    )
    for id, handle, name, extra in people:
        twins.world.add_account(Account(platform="linkedin", id=id, handle=handle, name=name, extra=extra))
    for id, handle in (("5001", "bakery"), ("5002", "mill")):
        twins.world.add_account(
            Account(platform="linkedin", id=id, handle=handle, name=handle.title(), login=False)
        )


def asked(**changes: str) -> dict[str, str]:
    """A good authorization request."""
    query = {
        "response_type": "code",
        "client_id": "li-app",
        "redirect_uri": BACK,
        "state": "state-1",
        "scope": PAGES,
    }
    return {**query, **changes}


async def exchange(twins: Twins, code: str, /, **changes: str) -> httpx.Response:
    """Exchange a code."""
    form = {**CLIENT, "grant_type": "authorization_code", "redirect_uri": BACK, "code": code}
    return await twins.http.post(TOKEN, data={**form, **changes})


async def link(twins: Twins, scope: str = PAGES, /, **form: Any) -> dict[str, Any]:
    """The token answer of a whole walk."""
    back = await twins.consent(AUTHORIZE, asked(scope=scope), form or {"decision": "approve"})
    answer = await exchange(twins, back["code"])
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def refresh(twins: Twins, token: str) -> httpx.Response:
    """Refresh."""
    form = {**CLIENT, "grant_type": "refresh_token", "refresh_token": token}
    return await twins.http.post(TOKEN, data=form)


async def introspect(twins: Twins, token: str, **changes: str) -> httpx.Response:
    """Ask what a token is."""
    path = "/www.linkedin.com/oauth/v2/introspectToken"
    return await twins.http.post(path, data={**CLIENT, "token": token, **changes})


def version(twins: Twins) -> str:
    """This month's version."""
    return twins.world.now().strftime("%Y%m")


async def api(twins: Twins, method: str, path: str, token: str, **more: Any) -> httpx.Response:
    """Call the API with a bearer token."""
    headers = {
        "authorization": f"Bearer {token}",
        "linkedin-version": version(twins),
        "x-restli-protocol-version": "2.0.0",
        **more.pop("headers", {}),
    }
    return await twins.http.request(method, f"/api.linkedin.com{path}", headers=headers, **more)


def words(text: str = "Fresh bread", **changes: Any) -> dict[str, Any]:
    """A post in words, with changes; None leaves a field out."""
    body = {
        "author": PERSON,
        "commentary": text,
        "visibility": "PUBLIC",
        "distribution": {
            "feedDistribution": "MAIN_FEED",
            "targetEntities": [],
            "thirdPartyDistributionChannels": [],
        },
        "lifecycleState": "PUBLISHED",
        "isReshareDisabledByAuthor": False,
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


async def post(twins: Twins, token: str, body: dict[str, Any]) -> httpx.Response:
    """Post."""
    return await api(twins, "POST", "/rest/posts", token, json=body)


def why(answer: httpx.Response) -> tuple[int, str]:
    """Status and error of an answer."""
    body = answer.json()
    return answer.status_code, body.get("code") or body.get("error")


async def begin(twins: Twins, token: str, kind: str, **wanted: Any) -> dict[str, Any]:
    """The value of an initialized upload."""
    body = {"initializeUploadRequest": {"owner": PERSON, **wanted}}
    answer = await api(twins, "POST", f"/rest/{kind}?action=initializeUpload", token, json=body)
    assert answer.status_code == 200, answer.text
    value: dict[str, Any] = answer.json()["value"]
    return value


async def put(twins: Twins, url: str, data: bytes, token: str = "") -> httpx.Response:
    """Put bytes, with a bearer token if one is given."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return await twins.http.put(url.replace("https://", "/"), content=data, headers=headers)


async def image(twins: Twins, token: str, **wanted: Any) -> str:
    """The URN of an image that was put."""
    value = await begin(twins, token, "images", **wanted)
    assert (await put(twins, value["uploadUrl"], jpeg(), token)).status_code == 201
    return str(value["image"])


async def finalize(twins: Twins, token: str, video: str, parts: list[str]) -> httpx.Response:
    """Finish a video."""
    body = {"finalizeUploadRequest": {"video": video, "uploadToken": "", "uploadedPartIds": parts}}
    return await api(twins, "POST", "/rest/videos?action=finalizeUpload", token, json=body)
