from __future__ import annotations

import time

import httpx
import pytest

from sandbox.platforms.core import Dropped
from sandbox.platforms.testing import Twins, x_query

LOST = (httpx.RemoteProtocolError, httpx.ReadError)


async def test_an_answer_lost_after_it_took_effect_is_a_real_cut(twins: Twins) -> None:
    token = (await twins.x_link())["access_token"]
    twins.world.set_fault("lost_after", "x", "1001", group="publish", count=1)
    with pytest.raises(LOST):
        await twins.x_api("POST", "/2/tweets", token, json={"text": "Once"})
    assert len(twins.world.ledger.posts("Once")) == 1
    again = await twins.x_api("POST", "/2/tweets", token, json={"text": "Once"})
    assert again.status_code == 403
    assert len(twins.world.ledger.posts("Once")) == 1


async def test_an_answer_lost_before_leaves_everything_as_it_was(twins: Twins) -> None:
    token = (await twins.x_link())["access_token"]
    twins.world.set_fault("lost_before", "x", "1001", group="publish", count=1)
    with pytest.raises(LOST):
        await twins.x_api("POST", "/2/tweets", token, json={"text": "Once"})
    assert not twins.world.ledger.posts()
    assert (await twins.x_api("POST", "/2/tweets", token, json={"text": "Once"})).status_code == 201


async def test_a_refresh_whose_answer_is_lost_has_spent_its_token(twins: Twins) -> None:
    tokens = await twins.x_link()
    twins.world.set_fault("lost_after", "x", "1001", group="refresh", count=1)
    with pytest.raises(LOST):
        await twins.x_refresh(tokens["refresh_token"])
    issued = twins.world.ledger.find("token_issued", kind="refresh")
    assert len(issued) == 2
    assert not twins.world.ledger.spent_refreshes()
    assert (await twins.x_refresh(tokens["refresh_token"])).status_code == 400
    assert len(twins.world.ledger.spent_refreshes()) == 1


async def test_a_refusal_is_not_lost(twins: Twins) -> None:
    token = (await twins.x_link())["access_token"]
    twins.world.set_fault("lost_after", "x", "1001", group="publish", count=1)
    assert (await twins.x_api("POST", "/2/tweets", token, json={})).status_code == 400
    with pytest.raises(LOST):
        await twins.x_api("POST", "/2/tweets", token, json={"text": "a"})


async def test_the_server_answers_others_after_a_cut(twins: Twins) -> None:
    token = (await twins.x_link())["access_token"]
    twins.world.set_fault("lost_before", "x", "1001", count=3)
    for _ in range(3):
        with pytest.raises(LOST):
            await twins.x_api("GET", "/2/users/me", token)
    assert (await twins.x_api("GET", "/2/users/me", token)).status_code == 200


async def test_a_cut_needs_a_server_that_can_be_cut() -> None:
    transport = httpx.ASGITransport(app=Dropped())
    async with httpx.AsyncClient(transport=transport, base_url="http://twin") as client:
        with pytest.raises(RuntimeError, match="uvicorn"):
            await client.get("/")


async def test_an_html_page_and_a_503(twins: Twins) -> None:
    token = (await twins.x_link())["access_token"]
    twins.world.set_fault("html_error", "x", count=1)
    page = await twins.x_api("GET", "/2/users/me", token)
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (502, "text/html")
    twins.world.set_fault("unavailable", "x", count=1)
    assert (await twins.x_api("GET", "/2/users/me", token)).status_code == 503
    assert (await twins.x_api("GET", "/2/users/me", token)).status_code == 200


async def test_a_slow_answer_takes_its_seconds(twins: Twins) -> None:
    token = (await twins.x_link())["access_token"]
    twins.world.set_fault("slow", "x", "1001", value=0.2, count=1)
    started = time.monotonic()
    assert (await twins.x_api("GET", "/2/users/me", token)).status_code == 200
    assert time.monotonic() - started >= 0.2


async def test_a_slow_answer_that_nobody_waits_for_still_takes_effect(twins: Twins) -> None:
    token = (await twins.x_link())["access_token"]
    twins.world.set_fault("slow", "x", "1001", value=0.3, count=1, group="publish")
    with pytest.raises(httpx.ReadTimeout):
        await twins.x_api("POST", "/2/tweets", token, json={"text": "Late"}, timeout=0.05)
    assert not twins.world.ledger.posts("Late")
    deadline = time.monotonic() + 60
    while not twins.world.ledger.posts("Late"):
        assert time.monotonic() < deadline
        await twins.http.get("/_control/posts")


async def test_one_platforms_fault_leaves_the_other_alone_and_counts_once(twins: Twins) -> None:
    token = (await twins.x_link())["access_token"]
    twins.world.set_fault("rate_limited", "x", count=2)
    assert (await twins.ig("GET", "/me", await twins.ig_link())).status_code == 200
    answers = [(await twins.x_api("GET", "/2/users/me", token)).status_code for _ in range(3)]
    assert answers == [429, 429, 200]
    assert len(twins.world.ledger.find("fault_met", kind="rate_limited")) == 2


async def test_a_fault_of_the_consent_page(twins: Twins) -> None:
    twins.world.set_fault("unavailable", "x", group="authorize", count=1)
    path = "/x.com/i/oauth2/authorize"
    assert (await twins.http.get(path, params=x_query())).status_code == 503
    assert (await twins.http.get(path, params=x_query())).status_code == 200
