"""Small strict stand-ins for X and Instagram, reached through the same `request` as the real client."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from bot.http import HttpError, PlatformHttp, Response
from bot.platforms.base import Call, Target
from bot.platforms.content import Content, Media, MediaKind
from bot.settings import AppCredentials

APP = AppCredentials(client_id="app-1", client_secret=SecretStr("app-secret"), reviewed=True)
REDIRECT = "https://bot.example/oauth/x/callback"


@dataclass(frozen=True)
class Sight:
    """One request as it would have gone out."""

    method: str
    host: str
    path: str
    headers: Mapping[str, str]
    params: Mapping[str, str]
    form: Mapping[str, str]
    json: Any
    deadline: float
    not_after: float | None


Answer = Callable[[Sight], Response | HttpError]


class FakeHttp(PlatformHttp):
    """Hands each request to a callable and keeps what it saw."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.seen: list[Sight] = []

    async def request(
        self, method: str, url: str, *, hosts: frozenset[str], deadline: float, **rest: Any
    ) -> Response:
        parts = urlsplit(url)
        assert parts.scheme == "https" and parts.hostname in hosts and not parts.query
        sight = Sight(
            method,
            parts.hostname,
            parts.path,
            httpx.Headers(rest.get("headers") or {}),
            rest.get("params") or {},
            rest.get("data") or {},
            rest.get("json"),
            deadline,
            rest.get("not_after"),
        )
        self.seen.append(sight)
        answer = self.answer(sight)
        if isinstance(answer, HttpError):
            raise answer
        return answer

    def paths(self) -> list[str]:
        return [f"{sight.method} {sight.path}" for sight in self.seen]


def reply(status: int, body: object, **headers: str) -> Response:
    """A reply; a body that is text goes out as it is."""
    raw = body if isinstance(body, str) else json.dumps(body)
    return Response(status, httpx.Headers({k.replace("_", "-"): v for k, v in headers.items()}), raw.encode())


def call_of(answer: Answer, *, not_after: float | None = None) -> tuple[Call, FakeHttp]:
    http = FakeHttp(answer)
    return Call(http=http, app=APP, deadline=20.0, not_after=not_after), http


def always(response: Response | HttpError) -> Answer:
    return lambda _: response


def graph_error(code: int | None, subcode: int | None = None, message: str = "no", **more: object) -> object:
    error: dict[str, object] = {"message": message, "type": "OAuthException", "fbtrace_id": "A1"} | more
    if code is not None:
        error["code"] = code
    if subcode is not None:
        error["error_subcode"] = subcode
    return {"error": error}


X_TARGET = Target("2244994945", "lamp", "at-1")
IG_TARGET = Target("17841400000000001", "lamp", "IGAA-1")

IG_PICTURE = Media(
    "https://bot.example/media/1.jpg", MediaKind.IMAGE, "image/jpeg", 1000, 1080, 1080, alt="A lamp"
)
IG_FILM = Media("https://bot.example/media/2.mp4", MediaKind.VIDEO, "video/mp4", 1000, duration=10.0)
IG_POST = Content(text="Open late #lamp", media=(IG_PICTURE,))

X_401 = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}
X_DEAD = {"error": "invalid_request", "error_description": "Value passed for the token was invalid."}
X_CODE = {
    "error": "invalid_request",
    "error_description": "Value passed for the authorization code was invalid.",
}


@dataclass
class TinyX:
    """One account, one app; refresh tokens are spent by use and a second use kills the family."""

    challenge: str = ""
    code: str = "code-1"
    generation: int = 0
    alive: bool = False
    posts: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, sight: Sight) -> Response:
        if sight.path == "/2/oauth2/token":
            return self.token(sight)
        if sight.path == "/2/oauth2/revoke":
            assert sight.form["token"]
            self.alive = False
            return reply(200, {"revoked": True})
        if sight.headers.get("authorization") != f"Bearer at-{self.generation}" or not self.alive:
            return reply(401, X_401)
        return self.api(sight)

    def token(self, sight: Sight) -> Response:
        basic = "Basic " + base64.b64encode(b"app-1:app-secret").decode()
        if sight.headers.get("authorization") != basic:
            return reply(401, {"error": "unauthorized_client", "error_description": "Missing valid header"})
        if sight.form["grant_type"] == "authorization_code":
            digest = hashlib.sha256(sight.form["code_verifier"].encode()).digest()
            proof = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if (sight.form["code"], proof, sight.form["redirect_uri"]) != (
                self.code,
                self.challenge,
                REDIRECT,
            ):
                return reply(400, X_CODE)
            self.code, self.alive = "", True
        elif sight.form["refresh_token"] != f"rt-{self.generation}" or not self.alive:
            self.alive = False
            return reply(400, X_DEAD)
        self.generation += 1
        body = {"access_token": f"at-{self.generation}", "refresh_token": f"rt-{self.generation}"}
        scope = "tweet.write users.read tweet.read media.write offline.access"
        return reply(200, body | {"token_type": "bearer", "expires_in": 7200, "scope": scope})

    def api(self, sight: Sight) -> Response:
        if sight.path == "/2/users/me":
            data = {"id": X_TARGET.account_id, "name": "Lamp", "username": "lamp", "verified": True}
            return reply(200, {"data": data, "errors": [{"title": "Not Found Error"}]})
        if sight.path == "/2/tweets":
            assert set(sight.json) == {"text"}
            post = {"id": str(900 + len(self.posts)), "text": sight.json["text"]}
            self.posts.append(post)
            return reply(201, {"data": post | {"edit_history_post_ids": [post["id"]]}})
        assert sight.path == f"/2/users/{X_TARGET.account_id}/tweets"
        assert sight.params["tweet.fields"] == "created_at"
        return reply(200, {"data": self.posts, "meta": {"result_count": len(self.posts)}})


@dataclass
class TinyInstagram:
    """One professional account with containers; `status` is what the next containers answer in turn."""

    wrapped: bool = False
    code: str = "AQB"
    account_type: str = "BUSINESS"
    status: list[str] = field(default_factory=lambda: ["FINISHED"])
    made: list[Mapping[str, str]] = field(default_factory=list)
    published: list[str] = field(default_factory=list)

    def __call__(self, sight: Sight) -> Response:
        if sight.host == "api.instagram.com":
            return self.short(sight)
        if sight.path == "/access_token":
            assert sight.params["grant_type"] == "ig_exchange_token"
            assert sight.params["client_secret"] == "app-secret" and sight.params["access_token"] == "short"
            return self.long("IGAA-1")
        if sight.path == "/refresh_access_token":
            assert sight.params["grant_type"] == "ig_refresh_token" and "client_secret" not in sight.params
            return self.long(sight.params["access_token"] + "+")
        assert sight.path.startswith("/v26.0/")
        if not sight.headers.get("authorization", "").startswith("Bearer IGAA-1"):
            return reply(400, graph_error(190, None, "Invalid OAuth access token."))
        return self.graph(sight, sight.path.removeprefix("/v26.0"))

    def short(self, sight: Sight) -> Response:
        assert sight.method == "POST" and sight.form["grant_type"] == "authorization_code"
        if sight.form["code"] != self.code:
            message = "Matching code was not found or was already used"
            return reply(400, {"error_type": "OAuthException", "code": 400, "error_message": message})
        self.code = ""
        scopes = ["instagram_business_basic", "instagram_business_content_publish"]
        if self.wrapped:
            entry = {"access_token": "short", "user_id": "17841400000000001", "permissions": ",".join(scopes)}
            return reply(200, {"data": [entry]})
        body = {"access_token": "short", "user_id": 17841400000000001, "permissions": scopes}
        return reply(200, body)

    def long(self, token: str) -> Response:
        return reply(200, {"access_token": token, "token_type": "bearer", "expires_in": 5183944})

    def graph(self, sight: Sight, path: str) -> Response:
        account = f"/{IG_TARGET.account_id}"
        if path == "/me":
            me = {"user_id": IG_TARGET.account_id, "id": "77", "username": "lamp", "name": "Lamp"}
            body = me | {"account_type": self.account_type}
            return reply(200, {"data": [body]} if self.wrapped else body)
        if (sight.method, path) == ("POST", f"{account}/media"):
            self.made.append(dict(sight.form))
            return reply(200, {"id": str(17900 + len(self.made))})
        if path == f"{account}/media_publish":
            self.published.append(sight.form["creation_id"])
            return reply(200, {"id": "18001"})
        if path == "/18001":
            return reply(200, {"id": "18001", "permalink": "https://www.instagram.com/p/abc/"})
        status = self.status[0] if len(self.status) == 1 else self.status.pop(0)
        code, _, detail = status.partition(":")
        return reply(200, {"id": path[1:], "status_code": code, "status": detail})
