from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

import pytest

from sandbox.platforms.testing import Twins
from sandbox.platforms.testing_meta import ANNA, PAGE, THREADER, MetaWalks, populate

INSTAGRAMMER = "17841400000000001"


@dataclass
class Inbox:
    """An app's deauthorize and deletion addresses: what they were told, by path."""

    secret: bytes
    base: str = ""
    told: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request; one that is not signed as it must be is answered with 400."""
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        form = parse_qs((await reader.readexactly(int(headers["content-length"]))).decode())
        signature, _, payload = form["signed_request"][0].partition(".")
        right = hmac.new(self.secret, payload.encode(), hashlib.sha256).digest()
        signed = base64.urlsafe_b64encode(right).decode().rstrip("=") == signature
        if signed:
            self.told[first.split()[1]] = json.loads(base64.urlsafe_b64decode(payload + "=="))
        status = 200 if signed else 400
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def inbox(walks: MetaWalks, platform: str, client_id: str) -> AsyncIterator[Inbox]:
    app = walks.twins.world.apps[platform, client_id]
    box = Inbox(app.secret.encode())
    server = await asyncio.start_server(box.serve, "127.0.0.1", 0)
    base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    walks.twins.world.register_app(replace(app, notify=f"{base}/gone", extra={"deletion": f"{base}/delete"}))
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()


async def sent(walks: MetaWalks, count: int) -> None:
    """Wait for so many notices."""
    async with asyncio.timeout(60):
        while len(walks.twins.world.ledger.find("notice_sent", status=200)) < count:
            await walks.twins.http.get("/_control/faults")


@pytest.fixture
def walks(twins: Twins) -> MetaWalks:
    populate(twins)
    return MetaWalks(twins)


@pytest.mark.parametrize(
    ("platform", "client_id", "account", "user_id"),
    [
        ("facebook", "fb-app", ANNA, ANNA),
        ("threads", "th-app", THREADER, THREADER),
        ("instagram", "ig-app", INSTAGRAMMER, "27841400000000001"),
    ],
)
@pytest.mark.parametrize("by", ["fault", "action"])
async def test_a_removed_app_is_told_in_a_signed_request(
    walks: MetaWalks, platform: str, client_id: str, account: str, user_id: str, by: str
) -> None:
    links = {"facebook": walks.fb_link, "threads": walks.th_link, "instagram": walks.twins.ig_link}
    async with inbox(walks, platform, client_id) as box:
        await links[platform]()
        if by == "fault":
            walks.twins.world.set_fault("revoked", platform, account)
        else:
            body = {"action": "revoke", "platform": platform, "account": account}
            await walks.twins.http.post("/_control/actions", json=body)
        await sent(walks, 2)
    assert box.told.keys() == {"/gone", "/delete"}
    for said in box.told.values():
        assert (said["user_id"], said["algorithm"]) == (user_id, "HMAC-SHA256")
        assert abs(said["issued_at"] - walks.twins.world.now().timestamp()) < 60


async def test_nobody_is_told_of_what_the_app_did_or_when_it_is_switched_off(walks: MetaWalks) -> None:
    async with inbox(walks, "facebook", "fb-app"):
        await walks.fb("DELETE", "/me/permissions", await walks.fb_link())
        await walks.fb_link()
        walks.twins.world.modes["facebook.notices"] = "off"
        walks.twins.world.set_fault("revoked", "facebook", ANNA)
        walks.twins.world.modes["facebook.notices"] = "on"
        await walks.fb_link()
        walks.twins.world.set_fault("revoked", "facebook", ANNA)
        await sent(walks, 2)
    assert len(walks.twins.world.ledger.find("notice_sent")) == 2


async def test_a_page_is_nobody_who_could_remove_an_app(walks: MetaWalks) -> None:
    async with inbox(walks, "facebook", "fb-app") as box:
        page = await walks.page_token()
        walks.twins.world.set_fault("revoked", "facebook", PAGE)
        assert (await walks.fb("GET", "/me", page)).json()["error"]["error_subcode"] == 458
    assert not box.told
    assert not walks.twins.world.ledger.find("notice_sent")
