"""Small strict stand-ins for Facebook and Threads."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.http import Response
from bot.platforms.base import Target
from bot.platforms.content import Media, MediaKind
from bot.platforms.errors import PlatformError, Verdict
from tests.platforms.platform_fakes import REDIRECT, Sight, graph_error, reply

PAGE = "101"
IG = "17841400000000009"
NOW = 1_763_000_000
FB_SCOPES = ["pages_show_list", "pages_read_engagement", "pages_manage_posts"]
IG_SCOPES = [*FB_SCOPES, "instagram_basic", "instagram_content_publish"]

PAGE_TARGET = Target(PAGE, "lamps", "EAA-page")
PAIR_TARGET = Target(IG, "lamp", "EAA-page EAA-long")
TH_TARGET = Target("31", "lamp", "TH-1")

PICTURE = Media(
    "https://bot.example/media/1.jpg", MediaKind.IMAGE, "image/jpeg", 1000, 1080, 1080, alt="A lamp"
)
FILM = Media("https://bot.example/media/2.mp4", MediaKind.VIDEO, "video/mp4", 1000, duration=10.0)
REEL = Media("https://bot.example/media/3.mp4", MediaKind.VIDEO, "video/mp4", 1000, 1080, 1920, duration=10.0)


async def refusal(action: Callable[[], Any]) -> Verdict:
    with pytest.raises(PlatformError) as raised:
        await action()
    return raised.value.verdict


def proof(token: str) -> str:
    return hmac.new(b"app-secret", token.encode(), hashlib.sha256).hexdigest()


def page(page_id: str = PAGE, token: str | None = "EAA-page", instagram: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"id": page_id, "name": f"Page {page_id}", "tasks": ["CREATE_CONTENT"]}
    body["picture"] = {"data": {"url": "https://cdn.example/p.jpg"}}
    if token:
        body["access_token"] = token
    if instagram:
        linked = {
            "id": instagram,
            "username": "lamp",
            "name": "Lamp",
            "profile_picture_url": "https://cdn.example/i",
        }
        body["instagram_business_account"] = linked
    return body


@dataclass
class TinyFacebook:
    """One person; `lists` are the answers to paged lists, in turn; every token must bring its proof."""

    code: str = "AQD"
    lists: dict[str, list[list[dict[str, Any]]]] = field(default_factory=dict)
    debug: dict[str, Any] | None = None
    expires_in: int | None = 5183944
    granted: list[str] = field(default_factory=lambda: list(FB_SCOPES))
    made: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    video: list[dict[str, Any]] = field(default_factory=list)
    feed: list[dict[str, Any]] = field(default_factory=list)
    me: Response | None = None

    def __call__(self, sight: Sight) -> Response:
        if sight.host == "rupload.facebook.com":
            assert sight.headers["authorization"] == "OAuth EAA-page"
            self.made.append(("upload", {"file_url": sight.headers["file_url"]}))
            return reply(200, {"success": True})
        assert sight.host == "graph.facebook.com" and sight.path.startswith("/v26.0/")
        path = sight.path.removeprefix("/v26.0")
        if path == "/oauth/access_token":
            return self.tokens(sight)
        if path == "/debug_token":
            assert sight.params["access_token"] == "app-1|app-secret"
            assert sight.params["appsecret_proof"] == proof("app-1|app-secret")
            return reply(200, {"data": self.debug or self.inspected(sight.params["input_token"])})
        token = sight.headers["authorization"].removeprefix("Bearer ")
        sent = sight.params if sight.method in ("GET", "DELETE") else sight.form
        assert sent["appsecret_proof"] == proof(token)
        return self.graph(sight, path, token)

    def tokens(self, sight: Sight) -> Response:
        asked = dict(sight.params)
        assert (asked.pop("client_id"), asked.pop("client_secret")) == ("app-1", "app-secret")
        if "code" in asked:
            if asked != {"code": self.code, "redirect_uri": REDIRECT}:
                return reply(400, graph_error(100, 36009, "This authorization code has been used."))
            self.code = ""
            return reply(200, {"access_token": "EAA-short", "token_type": "bearer", "expires_in": 5183})
        assert asked.pop("grant_type") == "fb_exchange_token"
        old = asked.pop("fb_exchange_token")
        body: dict[str, Any] = {"access_token": "EAA-long" if old == "EAA-short" else f"{old}+"}
        return reply(200, body if self.expires_in is None else body | {"expires_in": self.expires_in})

    def inspected(self, token: str) -> dict[str, Any]:
        ends = {"issued_at": NOW, "expires_at": NOW + 5183944, "data_access_expires_at": NOW + 90 * 86400}
        body: dict[str, Any] = {
            "app_id": "app-1",
            "is_valid": True,
            "user_id": "77",
            "scopes": self.granted,
        } | ends
        if token != "EAA-page":
            return body | {"type": "USER"}
        ticked = [{"scope": "pages_manage_posts", "target_ids": [PAGE]}, {"scope": "pages_show_list"}]
        return body | {"type": "PAGE", "profile_id": PAGE, "expires_at": 0, "granular_scopes": ticked}

    def graph(self, sight: Sight, path: str, token: str) -> Response:
        if path == "/me":
            return self.me or reply(200, {"id": PAGE if token == "EAA-page" else "77", "name": "Ada"})
        if path == "/me/permissions":
            given = [{"permission": name, "status": "granted"} for name in self.granted]
            return reply(200, {"data": [*given, {"permission": "read_insights", "status": "declined"}]})
        if path in self.lists:
            return self.listed(sight, path)
        if path == f"/{PAGE}/feed" and sight.method == "GET":
            return reply(200, {"data": self.feed})
        if sight.method == "POST":
            self.made.append((path, {k: v for k, v in sight.form.items() if k != "appsecret_proof"}))
            return self.create(sight, path)
        if path == "/v1":
            return reply(200, self.video[0] if len(self.video) == 1 else self.video.pop(0))
        if path == f"/{PAGE}" and sight.params["fields"] == "access_token":
            return reply(200, {"id": PAGE, "access_token": "EAA-page-2"})
        assert sight.params["fields"] == "permalink_url"
        return reply(200, {"permalink_url": f"https://www.facebook.com/{path[1:]}"})

    def create(self, sight: Sight, path: str) -> Response:
        edge = path.rpartition("/")[2]
        if edge == "photos":
            return reply(200, {"id": f"p{len(self.made)}"})
        if edge == "videos":
            return reply(200, {"id": "v1"})
        if edge == "video_reels" and sight.form["upload_phase"] == "start":
            return reply(
                200, {"video_id": "v1", "upload_url": "https://rupload.facebook.com/video-upload/v26.0/v1"}
            )
        return reply(200, {"success": True} if edge == "video_reels" else {"id": f"{PAGE}_900"})

    def listed(self, sight: Sight, path: str) -> Response:
        pages = self.lists[path]
        at = int(sight.params.get("after", "0"))
        body: dict[str, Any] = {"data": pages[at]}
        if at + 1 < len(pages):
            address = f"https://evil.example/x?access_token=T&limit=100&after={at + 1}&fields=id"
            body["paging"] = {"cursors": {"after": str(at + 1)}, "next": address}
        return reply(200, body)


@dataclass
class TinyThreads:
    """One profile with containers; `status` is what the next containers answer in turn."""

    code: str = "AQT"
    status: list[str] = field(default_factory=lambda: ["FINISHED"])
    made: list[Mapping[str, str]] = field(default_factory=list)
    published: list[str] = field(default_factory=list)
    refused: Mapping[str, object] = field(default_factory=dict)  # by path, with this error
    tried: list[Mapping[str, str]] = field(default_factory=list)

    def __call__(self, sight: Sight) -> Response:
        assert sight.host == "graph.threads.net"
        if sight.path == "/oauth/access_token":
            assert sight.method == "POST" and sight.form["redirect_uri"] == REDIRECT
            if sight.form["code"] != self.code:
                return reply(400, graph_error(100, None, "This authorization code has been used"))
            return reply(200, json.dumps({"access_token": "short", "user_id": 17841400000000031}))
        if sight.path == "/access_token":
            assert sight.params["grant_type"] == "th_exchange_token"
            assert sight.params["client_secret"] == "app-secret" and sight.params["access_token"] == "short"
            return reply(200, {"access_token": "TH-1", "token_type": "bearer", "expires_in": 5183944})
        if sight.path == "/refresh_access_token":
            assert dict(sight.params) == {"grant_type": "th_refresh_token", "access_token": "TH-1"}
            return reply(200, {"access_token": "TH-2", "token_type": "bearer", "expires_in": 5183944})
        assert sight.headers["authorization"] == "Bearer TH-1" and "access_token" not in sight.params
        return self.graph(sight, sight.path.removeprefix("/v1.0"))

    def graph(self, sight: Sight, path: str) -> Response:
        if path in self.refused:
            return reply(400, self.refused[path])
        if path == "/me":
            return reply(200, {"id": "31", "username": "lamp", "name": "Lamp"})
        if (sight.method, path) == ("POST", "/me/threads"):
            self.tried.append(dict(sight.form))
            return reply(200, {"id": "901"})
        if (sight.method, path) == ("POST", "/31/threads"):
            self.made.append(dict(sight.form))
            return reply(200, {"id": str(900 + len(self.made))})
        if path == "/31/threads_publish":
            self.published.append(sight.form["creation_id"])
            return reply(200, {"id": "18001"})
        if path == "/18001":
            return reply(200, {"id": "18001", "permalink": "https://www.threads.com/@lamp/post/abc"})
        assert sight.params["fields"] == "id,status,error_message"
        status = self.status[0] if len(self.status) == 1 else self.status.pop(0)
        code, _, detail = status.partition(":")
        return reply(200, {"id": path[1:], "status": code} | ({"error_message": detail} if detail else {}))
