"""How a twin knows which developer app is asking: Basic header, form fields, content types."""

from __future__ import annotations

import base64
import binascii
import secrets
from urllib.parse import unquote_plus

from starlette.requests import Request

from sandbox.platforms.model import App, Grant
from sandbox.world import PlatformWorld

LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")


def content_type(request: Request) -> str:
    """The media type of the body, in lower case, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def is_form(request: Request) -> bool:
    """Whether the body says that it is a urlencoded form."""
    return content_type(request) == "application/x-www-form-urlencoded"


def basic(request: Request) -> tuple[str, str] | None:
    """Name and secret of a Basic header; None when there is no readable one."""
    scheme, _, blob = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(blob, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (unquote_plus(name), unquote_plus(secret)) if colon else None


def proven_app(world: PlatformWorld, platform: str, client_id: str, secret: str) -> App | None:
    """The app with this id, when the secret is its own."""
    world.see(secret)
    app = world.apps.get((platform, client_id))
    if app is None or not secrets.compare_digest(secret.encode(), app.secret.encode()):
        return None
    return app


def live_grants(world: PlatformWorld, platform: str, client_id: str, account: str) -> list[Grant]:
    """What an account allows an app now, oldest first; faults that end a grant count."""
    ended = [
        fault.id
        for fault in world.faults.standing
        if fault.kind in ("revoked", "password_changed")
        and fault.platform == platform
        and fault.account in ("", account)
    ]
    return [
        grant
        for grant in world.grants.values()
        if (grant.platform, grant.client_id, grant.account) == (platform, client_id, account)
        and not grant.ended
        and grant.serial > max(ended, default=0)
    ]
