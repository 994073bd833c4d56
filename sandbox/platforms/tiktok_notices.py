"""TikTok's notice that someone removed the app: `authorization.removed`, signed (TikTok facts §2.7).

It goes to the `notify` address of every app that the account ever allowed anything. The signature is an
HMAC-SHA256 with the client secret over `TIMESTAMP.BODY`; `tiktok.signature` = `body` signs the body alone.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable

from sandbox.platforms.model import App
from sandbox.platforms.notices import Courier, Notice
from sandbox.world import PlatformWorld

REASONS = {"user": 1, "app": 5}


def watcher(world: PlatformWorld, courier: Courier) -> Callable[[str, str], None]:
    """What the world calls on a revocation, with the account ("" for everybody) and who did it."""

    def watch(account: str, by: str) -> None:
        grants = [grant for grant in world.grants.values() if grant.platform == "tiktok"]
        removed = {(g.client_id, g.account) for g in grants if account in ("", g.account)}
        for client_id, open_id in sorted(removed):
            app = world.apps["tiktok", client_id]
            if app.notify:
                courier.send(_notice(world, app, open_id, REASONS[by]))

    return watch


def _notice(world: PlatformWorld, app: App, open_id: str, reason: int) -> Notice:
    at = int(world.now().timestamp())
    event = {
        "client_key": app.client_id,
        "event": "authorization.removed",
        "create_time": at,
        "user_openid": open_id,
        "content": json.dumps({"reason": reason}),
    }
    body = json.dumps(event).encode()
    signed = body if world.modes.get("tiktok.signature") == "body" else f"{at}.".encode() + body
    signature = hmac.new(app.secret.encode(), signed, hashlib.sha256).hexdigest()
    return Notice(
        platform="tiktok",
        account=open_id,
        address=app.notify,
        body=body,
        headers={"content-type": "application/json", "tiktok-signature": f"t={at},s={signature}"},
    )
