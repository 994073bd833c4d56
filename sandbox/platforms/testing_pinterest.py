"""Walks through the twin of Pinterest that many tests begin with; `populate` first."""

from __future__ import annotations

from typing import Any

import httpx

from sandbox.platforms.model import Account, App
from sandbox.platforms.testing import Twins, jpeg

BACK = "http://localhost:3000/oauth/pinterest/callback"
SCOPES = "user_accounts:read,boards:read,boards:write,pins:read,pins:write"
AUTHORIZE = "/www.pinterest.com/oauth/"
TOKEN = "/api.pinterest.com/v5/oauth/token"
AUTH = ("1500001", "pin-secret-1")
APP = App(
    platform="pinterest",
    client_id="1500001",
    secret="pin-secret-1",
    redirect_uris=(BACK,),
    scopes=frozenset([*SCOPES.split(","), "boards:read_secret"]),
)
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 100
DEAD = {"code": 283, "message": "The authorization grant is invalid"}


def populate(twins: Twins) -> None:
    """Our app and some accounts."""
    twins.world.register_app(APP)
    for id, handle, board in (("61", "bakery", "9001"), ("62", "florist", "9101")):
        boards = [
            {"id": board, "name": "Bread", "privacy": "PUBLIC", "sections": ["77"]},
            {"id": f"{board}9", "name": "Plans", "privacy": "SECRET"},
        ]
        twins.world.add_account(
            Account(platform="pinterest", id=id, handle=handle, name=handle.title(), extra={"boards": boards})
        )


def asked(**changes: str) -> dict[str, str]:
    """A good authorization request."""
    query = {
        "client_id": "1500001",
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": SCOPES,
        "state": "state-1",
    }
    return {**query, **changes}


async def ask_token(twins: Twins, form: dict[str, str], auth: tuple[str, str] = AUTH) -> httpx.Response:
    """Ask the token endpoint with a Basic header."""
    return await twins.http.post(TOKEN, data=form, auth=auth)


async def exchange(twins: Twins, code: str, /, **changes: str) -> httpx.Response:
    """Exchange a code."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    return await ask_token(twins, {**form, **changes})


async def link(twins: Twins, scope: str = SCOPES, /, **form: Any) -> dict[str, Any]:
    """The token answer of a whole walk."""
    back = await twins.consent(AUTHORIZE, asked(scope=scope), form or {"decision": "approve"})
    answer = await exchange(twins, back["code"])
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def refresh(twins: Twins, token: str, **more: str) -> httpx.Response:
    """Refresh."""
    return await ask_token(twins, {"grant_type": "refresh_token", "refresh_token": token, **more})


async def api(twins: Twins, method: str, path: str, token: str, **more: Any) -> httpx.Response:
    """Call the API with a bearer token."""
    headers = {"authorization": f"Bearer {token}"}
    return await twins.http.request(method, f"/api.pinterest.com/v5{path}", headers=headers, **more)


def why(answer: httpx.Response) -> tuple[int, int]:
    """Status and error of an answer."""
    return answer.status_code, answer.json()["code"]


def pin(source: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A pin of this source, with changes; None leaves a field out."""
    body = {"board_id": "9001", "title": "Bread", "description": "A loaf", "media_source": source, **changes}
    return {name: value for name, value in body.items() if value is not None}


def at(twins: Twins, path: str = "/a.jpg", data: bytes = b"") -> dict[str, Any]:
    """A source whose image is on the shelf."""
    return {"source_type": "image_url", "url": twins.put(path, data or jpeg())}


async def create(twins: Twins, token: str, body: dict[str, Any]) -> httpx.Response:
    """Create a pin."""
    return await api(twins, "POST", "/pins", token, json=body)


async def register(twins: Twins, token: str) -> dict[str, Any]:
    """Register a video."""
    answer = await api(twins, "POST", "/media", token, json={"media_type": "video"})
    assert answer.status_code == 201, answer.text
    media: dict[str, Any] = answer.json()
    return media


async def upload(
    twins: Twins, media: dict[str, Any], data: bytes = MP4, date: str | None = None
) -> httpx.Response:
    """Post a file to the bucket, perhaps with another date than was signed."""
    fields = {**media["upload_parameters"], **({"x-amz-date": date} if date else {})}
    return await twins.http.post(
        media["upload_url"].replace("https://", "/"), data=fields, files={"file": ("v.mp4", data)}
    )


def film(twins: Twins, media: dict[str, Any]) -> dict[str, Any]:
    """A source of a video with its cover."""
    return {"source_type": "video_id", "media_id": media["media_id"], "cover_image_url": at(twins)["url"]}


async def state(twins: Twins, token: str, media: dict[str, Any]) -> str:
    """The state of a video."""
    return str((await api(twins, "GET", f"/media/{media['media_id']}", token)).json()["status"])
