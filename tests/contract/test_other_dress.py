"""The same answers as another server would write them: with fields that nobody announced, numbers for ids, a
list of scopes, lifetimes in text, and a type of content that says nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.domain.outcomes import Judgement, Outcome
from bot.domain.refreshing import Cause, Skipped, refresh
from bot.http import PlatformHttp, Response
from bot.outbound import Rewriter
from sandbox.platforms.testing import Twins
from tests.contract import posts
from tests.contract.posts import KINDS, Kind
from tests.support import grant_of

DRESSED = ("x-pictures", "tiktok-video", "youtube-video", "linkedin-image", "pinterest-image")
LIFETIMES = ("expires_in", "refresh_expires_in", "refresh_token_expires_in")


def dressed(value: Any) -> Any:
    """The same JSON, written in another way."""
    if isinstance(value, list):
        return [dressed(item) for item in value]
    if not isinstance(value, dict):
        return value
    told = {name: _told(name, dressed(item)) for name, item in value.items()}
    return {"request_id": None, "debug": {"id": 7, "name": "x"}} | told


def _told(name: str, value: Any) -> Any:
    if name == "scope" and isinstance(value, str):
        return value.replace(",", " ").split()
    if name in LIFETIMES:
        return str(value)
    return int(value) if name == "id" and isinstance(value, str) and value.isdecimal() else value


class DressedHttp(PlatformHttp):
    """The client for the platforms, before servers that write so."""

    async def request(self, *args: Any, **more: Any) -> Response:
        answer = await super().request(*args, **more)
        headers = httpx.Headers({**answer.headers, "content-type": "text/html; charset=utf-8"})
        try:
            body = json.dumps(dressed(json.loads(answer.body)), indent=2).encode()
        except ValueError:
            body = answer.body
        return Response(answer.status, headers, body, answer.where)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if str(kind) in DRESSED], ids=str)
async def test_another_dress_changes_nothing(
    kind: Kind, twins: Twins, migrated_sqlite: Path, tmp_path: Path
) -> None:
    rewriter = Rewriter(str(twins.http.base_url).rstrip("/"))
    async with (
        posts.stage_for(kind.word, twins, migrated_sqlite, tmp_path) as plain,
        DressedHttp(rewriter) as http,
    ):
        stage = replace(plain, house=replace(plain.house, http=http))
        connection = await stage.linked()
        grant = await grant_of(stage.house, connection)
        assert set(grant.scopes) >= stage.info.required_scopes
        delivery_id = await posts.queued(stage, connection, kind.make(twins, "Fresh bread"))
        delivery = await posts.to_its_end(stage, stage.house, delivery_id)
        assert delivery.state == "published", (delivery.reason, delivery.code)
        renewed = await refresh(stage.house, grant, Cause.SWEEP)
        if renewed is not Skipped.NOT_LIVE:  # nothing to renew it with
            assert isinstance(renewed, Judgement) and renewed.outcome is Outcome.REFRESHED
