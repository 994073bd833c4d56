"""Walks through the twin of YouTube that many tests begin with; `populate` first."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx

from sandbox.platforms.model import Account, App
from sandbox.platforms.testing import Twins

BACK = "https://bot.example/oauth/youtube/callback"
LOCAL = "http://127.0.0.1:3000/oauth/youtube/callback"
UPLOAD = "https://www.googleapis.com/auth/youtube.upload"
READ = "https://www.googleapis.com/auth/youtube.readonly"
FULL = "https://www.googleapis.com/auth/youtube"
AUTHORIZE = "/accounts.google.com/o/oauth2/v2/auth"
TOKEN = "/oauth2.googleapis.com/token"
VIDEOS = "/www.googleapis.com/youtube/v3/videos"
UPLOADS = "/www.googleapis.com/upload/youtube/v3/videos"
CLIENT = {"client_id": "yt-app", "client_secret": "yt-secret-1"}
APP = App(
    platform="youtube",
    client_id="yt-app",
    secret="yt-secret-1",
    redirect_uris=(BACK, LOCAL, "https://10.0.0.1/cb"),
    scopes=frozenset({UPLOAD, READ, FULL}),
)
UNIT = 262_144
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 500


def populate(twins: Twins) -> None:
    """Our app and some accounts."""
    twins.world.register_app(APP)
    person = {"google": "anna"}
    for id, handle, extra in (
        ("UCbakery", "bakery", person),
        ("UCcakes", "cakes", person),
        ("UCother", "other", {}),
    ):
        twins.world.add_account(
            Account(platform="youtube", id=id, handle=handle, name=handle.title(), extra=extra)
        )


def asked(**changes: str) -> dict[str, str]:
    """A good authorization request."""
    query = {
        "client_id": "yt-app",
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": f"{UPLOAD} {READ}",
        "access_type": "offline",
        "prompt": "consent select_account",
        "state": "state-1",
    }
    return {**query, **changes}


async def exchange(twins: Twins, code: str, /, **changes: str) -> httpx.Response:
    """Exchange a code."""
    form = {**CLIENT, "grant_type": "authorization_code", "redirect_uri": BACK, "code": code}
    return await twins.http.post(TOKEN, data={**form, **changes})


async def link(twins: Twins, query: dict[str, str] | None = None, /, **form: Any) -> dict[str, Any]:
    """The token answer of a whole walk."""
    back = await twins.consent(AUTHORIZE, query or asked(), form or {"decision": "approve"})
    answer = await exchange(twins, back["code"])
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def refresh(twins: Twins, token: str, **changes: str) -> httpx.Response:
    """Refresh."""
    form = {**CLIENT, "grant_type": "refresh_token", "refresh_token": token}
    return await twins.http.post(TOKEN, data={**form, **changes})


async def get(twins: Twins, path: str, token: str, **query: str) -> httpx.Response:
    """Ask for something with a bearer token."""
    return await twins.http.get(path, params=query, headers={"authorization": f"Bearer {token}"})


async def delete(twins: Twins, token: str, id: str) -> httpx.Response:
    """Delete a video."""
    return await twins.http.delete(VIDEOS, params={"id": id}, headers={"authorization": f"Bearer {token}"})


async def channels(twins: Twins, token: str) -> httpx.Response:
    """Who am I."""
    path = "/www.googleapis.com/youtube/v3/channels"
    return await get(twins, path, token, part="snippet,statistics", mine="true")


def why(answer: httpx.Response) -> tuple[int, str]:
    """Status and error of an answer."""
    error = answer.json()["error"]
    return answer.status_code, error if isinstance(error, str) else error["errors"][0]["reason"]


async def begin(twins: Twins, token: str, size: int, **changes: Any) -> httpx.Response:
    """Ask for an upload session."""
    body = changes.pop("body", None) or {
        "snippet": {"title": "Bread", "description": "How to", "categoryId": "22"},
        "status": {"privacyStatus": "public"},
    }
    headers = {
        "authorization": f"Bearer {token}",
        "x-upload-content-type": "video/mp4",
        "x-upload-content-length": str(size),
        **changes.pop("headers", {}),
    }
    params = {"uploadType": "resumable", "part": "snippet,status", **changes}
    return await twins.http.post(UPLOADS, params=params, json=body, headers=headers)


async def session(twins: Twins, token: str, size: int, **changes: Any) -> str:
    """The address of a new upload session."""
    answer = await begin(twins, token, size, **changes)
    assert (answer.status_code, answer.content) == (200, b""), answer.text
    location = urlsplit(answer.headers["location"])
    assert location.hostname == "www.googleapis.com"
    return f"/{location.hostname}{location.path}?{location.query}"


async def put(twins: Twins, address: str, data: bytes, span: str | None = None) -> httpx.Response:
    """Put bytes, with this Content-Range if one is given."""
    headers = {"content-range": span} if span else {}
    return await twins.http.put(address, content=data, headers=headers)


async def uploaded(twins: Twins, token: str, **changes: Any) -> dict[str, Any]:
    """The video that came of a whole upload."""
    answer = await put(twins, await session(twins, token, len(MP4), **changes), MP4)
    assert answer.status_code == 200, answer.text
    video: dict[str, Any] = answer.json()
    return video


def described(**changes: Any) -> dict[str, Any]:
    """What a private video says of itself."""
    snippet = {"title": "Bread", **changes.pop("snippet", {})}
    return {"snippet": snippet, "status": {"privacyStatus": "private", **changes}}
