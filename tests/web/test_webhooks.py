"""What platforms push, at the addresses themselves: proved, written down once, never the verdict."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from bot.domain.house import House, wall_now
from bot.outbound import Rewriter
from bot.web.app import build_web
from bot.web.signatures import verify_token
from sandbox.platforms import testing_meta, testing_tiktok
from sandbox.platforms.testing import Twins
from storage.database import Database
from storage.models import AuditEvent, Client, Connection, Grant, Incident, RevocationNotice
from tests.domain.logins import link_first
from tests.support import PUBLIC, an_invitation, grant_of, house_at, walk

PERSON = {"facebook": testing_meta.ANNA, "threads": testing_meta.THREADER, "tiktok": "-000bakery"}


@asynccontextmanager
async def town(
    twins: Twins, database: Database, folder: Path, *platforms: str
) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    """A house with these platforms, and a client at its web addresses."""
    testing_meta.populate(twins)
    testing_tiktok.populate(twins)
    async with house_at(twins, database, folder, platforms=platforms) as house:
        web = build_web(house, rewriter=Rewriter(), slack_routes=[], checks={}, registry=CollectorRegistry())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(web), base_url=PUBLIC) as client:
            yield house, client


def signed(house: House, platform: str, said: dict[str, Any], *, secret: str | None = None) -> dict[str, str]:
    """A form with Meta's signed request."""
    key = secret or house.apps[platform].client_secret.get_secret_value()
    payload = _encoded(json.dumps({"algorithm": "HMAC-SHA256"} | said).encode())
    return {"signed_request": f"{_encoded(_hmac(key, payload.encode()))}.{payload}"}


def tiktok_push(house: House, said: dict[str, Any], *, at: int, recipe: str = "t.body") -> dict[str, Any]:
    """Body and headers of TikTok's event."""
    body = json.dumps({"client_key": "our-tiktok", "event": "authorization.removed"} | said).encode()
    key = house.apps["tiktok"].client_secret.get_secret_value()
    message = body if recipe == "body" else f"{at}.".encode() + body
    return {"content": body, "headers": {"TikTok-Signature": f"t={at},s={_hmac(key, message).hex()}"}}


def _hmac(key: str, message: bytes) -> bytes:
    return hmac.new(key.encode(), message, hashlib.sha256).digest()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def now_of(house: House) -> int:
    return int(house.clock.now().timestamp())


async def all_of(database: Database, model: Any) -> list[Any]:
    async with database.read() as session:
        return list((await session.scalars(select(model))).all())


@pytest.mark.parametrize("platform", ["facebook", "threads"])
async def test_a_removed_app_is_looked_at_and_believed_when_the_platform_says_so(
    twins: Twins, database: Database, tmp_path: Path, platform: str
) -> None:
    async with town(twins, database, tmp_path, platform) as (house, web):
        connection = await link(house, twins, platform)
        twins.world.modes[f"{platform}.notices"] = "off"
        twins.world.set_fault("revoked", platform, PERSON[platform])
        form = signed(house, platform, {"user_id": PERSON[platform], "issued_at": now_of(house)})
        for _ in range(2):  # platforms deliver at least once
            answer = await web.post(f"/webhooks/{platform}/deauthorize", data=form)
            assert answer.status_code == 200
        grant = await grant_of(house, connection)
        assert (grant.state, grant.reason) == ("dead", "revoked")
        assert len(await all_of(database, Incident)) == 1
        assert len(await all_of(database, RevocationNotice)) == 1
        noticed = [row for row in await all_of(database, AuditEvent) if row.action == "revocation.noticed"]
        assert len(noticed) == 1


async def test_a_notice_may_be_signed_by_any_of_our_apps_at_meta(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with town(twins, database, tmp_path, "facebook", "threads", "tiktok") as (house, web):
        connection = await link(house, twins, "threads")
        twins.world.modes["threads.notices"] = "off"
        twins.world.set_fault("revoked", "threads", PERSON["threads"])
        said = {"user_id": PERSON["threads"], "issued_at": now_of(house)}
        secrets = {key: app.client_secret.get_secret_value() for key, app in house.apps.items()}
        assert len(set(secrets.values())) == 3
        stranger = signed(house, "threads", said, secret=secrets["tiktok"])
        assert (await web.post("/webhooks/threads/deauthorize", data=stranger)).status_code == 403
        form = signed(house, "threads", said, secret=secrets["facebook"])
        assert (await web.post("/webhooks/threads/deauthorize", data=form)).status_code == 200
        assert (await grant_of(house, connection)).reason == "revoked"


async def test_a_notice_without_a_moment_counts_once_for_each_consent(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with town(twins, database, tmp_path, "facebook") as (house, web):
        twins.world.modes["facebook.notices"] = "off"
        form = signed(house, "facebook", {"user_id": PERSON["facebook"]})
        connection = await link(house, twins, "facebook")
        for times in (1, 2):
            async with house.db.read() as session:
                client = await session.get_one(Client, connection.client_id)
            token = await an_invitation(house, client, "facebook", connection.id)
            await walk(house, twins, token, **{"as": PERSON["facebook"]})
            assert (await grant_of(house, connection)).state == "live"
            twins.world.set_fault("revoked", "facebook", PERSON["facebook"])
            for _ in range(2):
                assert (await web.post("/webhooks/facebook/deauthorize", data=form)).status_code == 200
            assert (await grant_of(house, connection)).reason == "revoked"
            assert len(await all_of(database, RevocationNotice)) == times
            twins.advance(seconds=60)


async def link(house: House, twins: Twins, platform: str) -> Connection:
    return await link_first(house, twins, platform, PERSON[platform])


@pytest.mark.parametrize("platform", ["facebook", "tiktok"])
async def test_a_notice_alone_is_no_verdict(
    twins: Twins, database: Database, tmp_path: Path, platform: str
) -> None:
    async with town(twins, database, tmp_path, platform) as (house, web):
        connection = await link(house, twins, platform)
        now = now_of(house)
        if platform == "tiktok":
            said = {"user_openid": PERSON[platform], "create_time": now}
            answer = await web.post("/webhooks/tiktok", **tiktok_push(house, said, at=now))
        else:
            form = signed(house, platform, {"user_id": PERSON[platform], "issued_at": now})
            answer = await web.post(f"/webhooks/{platform}/deauthorize", data=form)
        assert answer.status_code == 200
        grant = await grant_of(house, connection)
        assert grant.state == "live" and grant.next_due_at is not None
        assert await all_of(database, Incident) == []
        assert len(await all_of(database, RevocationNotice)) == 1


async def test_an_old_notice_is_recorded_and_ignored(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with town(twins, database, tmp_path, "facebook") as (house, web):
        connection = await link(house, twins, "facebook")
        twins.world.modes["facebook.notices"] = "off"
        twins.world.set_fault("revoked", "facebook", PERSON["facebook"])  # it would be believed
        old = {"user_id": PERSON["facebook"], "issued_at": now_of(house) - 3600}
        await web.post("/webhooks/facebook/deauthorize", data=signed(house, "facebook", old))
        assert (await grant_of(house, connection)).state == "live"
        (notice,) = await all_of(database, RevocationNotice)
        assert notice.standing == "old" and notice.done_at is not None


@pytest.mark.parametrize("wrong", ["secret", "payload", "none", "twice", "json", "algorithm"])
@pytest.mark.parametrize("what", ["deauthorize", "deletion"])
async def test_what_is_not_signed_changes_nothing(
    twins: Twins, database: Database, tmp_path: Path, what: str, wrong: str
) -> None:
    async with town(twins, database, tmp_path, "facebook") as (house, web):
        connection = await link(house, twins, "facebook")
        said = {"user_id": PERSON["facebook"], "issued_at": now_of(house)}
        form: dict[str, Any] = signed(house, "facebook", said)
        if wrong == "secret":
            form = signed(house, "facebook", said, secret="another app's secret")
        elif wrong == "payload":
            other = signed(house, "facebook", said | {"user_id": "1"})["signed_request"]
            form["signed_request"] = f"{form['signed_request'].split('.')[0]}.{other.split('.')[1]}"
        elif wrong == "none":
            form = {}
        elif wrong == "twice":
            form["signed_request"] = [form["signed_request"]] * 2
        elif wrong == "algorithm":
            form = signed(house, "facebook", said | {"algorithm": "none"})
        more: dict[str, Any] = {"json": form} if wrong == "json" else {"data": form}
        answer = await web.post(f"/webhooks/facebook/{what}", **more)
        assert answer.status_code == 403
        assert (await grant_of(house, connection)).state == "live"
        assert await all_of(database, RevocationNotice) == []


@pytest.mark.parametrize(
    ("age", "recipe", "change", "status", "believed"),
    [
        (0, "t.body", {}, 200, True),
        (240, "t.body", {}, 200, True),
        (0, "body", {}, 200, True),  # the recipe is not confirmed: both are taken
        (301, "t.body", {}, 403, False),
        (-301, "t.body", {}, 403, False),
        (0, "neither", {}, 403, False),
        (0, "t.body", {"client_key": "another-app"}, 403, False),
        (0, "t.body", {"event": "post.publish.complete"}, 200, False),
        (0, "t.body", {"user_openid": "-000stranger"}, 200, False),
    ],
)
async def test_tiktoks_notice(
    twins: Twins,
    database: Database,
    tmp_path: Path,
    age: int,
    recipe: str,
    change: dict[str, str],
    status: int,
    believed: bool,
) -> None:
    async with town(twins, database, tmp_path, "tiktok") as (house, web):
        connection = await link(house, twins, "tiktok")
        twins.world.modes["tiktok.notices"] = "off"
        twins.world.set_fault("revoked", "tiktok", PERSON["tiktok"])
        now = now_of(house)
        said = {"user_openid": PERSON["tiktok"], "create_time": now, "content": '{"reason": 1}'} | change
        push = tiktok_push(house, said, at=now - age, recipe=recipe)
        if recipe == "neither":
            push["content"] += b" "
        assert (await web.post("/webhooks/tiktok", **push)).status_code == status
        grant = await grant_of(house, connection)
        assert (grant.state, grant.reason) == (("dead", "revoked") if believed else ("live", None))


async def test_a_notice_of_real_time_counts_while_house_time_is_ahead(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with town(twins, database, tmp_path, "tiktok") as (house, web):
        said = {"user_openid": "-000stranger", "create_time": now_of(house), "event": "authorization.removed"}
        push = tiktok_push(house, said, at=int(wall_now().timestamp()))
        house.clock.set_offset(house.clock.offset + 60 * 86_400)
        assert (await web.post("/webhooks/tiktok", **push)).status_code == 200


async def test_a_deletion_is_confirmed_and_carried_out_after_the_second_look(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with town(twins, database, tmp_path, "facebook") as (house, web):
        connection = await link(house, twins, "facebook")
        form = signed(house, "facebook", {"user_id": PERSON["facebook"], "issued_at": now_of(house)})
        first = (await web.post("/webhooks/facebook/deletion", data=form)).json()
        again = (await web.post("/webhooks/facebook/deletion", data=form)).json()
        assert first == again and first["url"] == f"{PUBLIC}/deletion/{first['confirmation_code']}"
        page = await web.get(f"/deletion/{first['confirmation_code']}")
        assert "Facebook still lets us in" in page.text
        assert (await grant_of(house, connection)).access_token is not None
        twins.world.modes["facebook.notices"] = "off"
        twins.world.set_fault("revoked", "facebook", PERSON["facebook"])
        twins.advance(seconds=60)
        later = signed(house, "facebook", {"user_id": PERSON["facebook"], "issued_at": now_of(house)})
        await web.post("/webhooks/facebook/deauthorize", data=later)
        grant = await grant_of(house, connection)
        assert (grant.state, grant.access_token, grant.subject_name) == ("forgotten", None, "")
        async with database.read() as session:
            row = await session.get_one(type(connection), connection.id)
        assert row.own_token is None and row.state == "live" and row.handle == "bakery"
        page = await web.get(f"/deletion/{first['confirmation_code']}")
        assert page.status_code == 200 and "Your data is deleted" in page.text
        assert PERSON["facebook"] not in page.text and "bakery" not in page.text


async def test_a_deletion_of_a_stranger_and_an_unknown_code(
    twins: Twins, database: Database, tmp_path: Path
) -> None:
    async with town(twins, database, tmp_path, "facebook") as (house, web):
        form = signed(house, "facebook", {"user_id": "777", "issued_at": now_of(house)})
        told = (await web.post("/webhooks/facebook/deletion", data=form)).json()
        assert "nothing to delete" in (await web.get(f"/deletion/{told['confirmation_code']}")).text
        assert (await web.get("/deletion/none")).status_code == 404
        assert await all_of(database, Grant) == []


async def test_metas_handshake_and_events(twins: Twins, database: Database, tmp_path: Path) -> None:
    async with town(twins, database, tmp_path, "facebook", "tiktok") as (house, web):
        secret = house.apps["facebook"].client_secret.get_secret_value()
        query = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}
        right = await web.get("/webhooks/facebook", params=query | {"hub.verify_token": verify_token(secret)})
        assert (right.status_code, right.text) == (200, "1158201444")
        assert "text/plain" in right.headers["content-type"]
        wrong = await web.get("/webhooks/facebook", params=query | {"hub.verify_token": "guess"})
        assert wrong.status_code == 403
        body = b'{"object":"page","entry":[{"id":"\\u00e4"}]}'
        proof = {"X-Hub-Signature-256": f"sha256={_hmac(secret, body).hex()}"}
        assert (await web.post("/webhooks/facebook", content=body, headers=proof)).status_code == 200
        changed = await web.post("/webhooks/facebook", content=body + b" ", headers=proof)
        assert changed.status_code == 403


@pytest.mark.parametrize("path", ["x", "x/deauthorize", "threads/deletion", "tiktok/deauthorize", "nope"])
async def test_addresses_of_platforms_that_push_nothing_or_are_off(
    twins: Twins, database: Database, tmp_path: Path, path: str
) -> None:
    async with town(twins, database, tmp_path, "facebook", "x", "tiktok") as (_, web):
        assert (await web.post(f"/webhooks/{path}", data={"signed_request": "a.b"})).status_code == 404
