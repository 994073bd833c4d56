"""What Meta posts when someone removes an app: a signed_request to its deauthorize address (meta facts §1.4).

It goes to `App.notify`, and to `App.extra["deletion"]` (the data deletion address) where the app has one:
people who remove an app are offered both at once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from urllib.parse import urlencode

from sandbox.platforms.model import Account, App
from sandbox.platforms.notices import Courier, Notice
from sandbox.world import PlatformWorld

FORM = {"content-type": "application/x-www-form-urlencoded", "user-agent": "Meta-Webhooks/1.0"}


def signed_request(app: App, user_id: str, issued_at: int) -> str:
    """What says that this person removed the app; `issued_at` is in Unix seconds."""
    told = {"user_id": user_id, "algorithm": "HMAC-SHA256", "issued_at": issued_at}
    payload = _encoded(json.dumps(told, separators=(",", ":")).encode())
    signature = hmac.new(app.secret.encode(), payload.encode(), hashlib.sha256).digest()
    return f"{_encoded(signature)}.{payload}"


def watcher(
    world: PlatformWorld, platform: str, user_id: Callable[[Account], str]
) -> Callable[[str, str], None]:
    """What to do when an account revoked; `user_id` gives the person's id as the app knows it."""
    courier = Courier(world)

    def told(account: str, by: str) -> None:
        person = world.accounts.get((platform, account))
        if by != "user" or person is None:
            return
        known = {g.client_id for g in world.grants.values() if (g.platform, g.account) == (platform, account)}
        for app in (world.apps[platform, client_id] for client_id in sorted(known)):
            request = signed_request(app, user_id(person), int(world.now().timestamp()))
            body = urlencode({"signed_request": request}).encode()
            for address in (app.notify, str(app.extra.get("deletion", ""))):
                if address:
                    courier.send(
                        Notice(platform=platform, account=account, address=address, body=body, headers=FORM)
                    )

    return told


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
