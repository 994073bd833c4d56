from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from sandbox.platforms.testing import Twins, jpeg
from sandbox.platforms.testing_meta import ANNA, BEN, LINKED, PAGE, MetaWalks, facebook_query, populate

MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 100
OTHER = "17841400000000002"


@pytest.fixture
def walks(twins: Twins) -> MetaWalks:
    populate(twins)
    return MetaWalks(twins)


@pytest.fixture
async def page(walks: MetaWalks) -> str:
    return await walks.page_token()


def error(answer: Any) -> tuple[int, int | None]:
    assert answer.status_code in (400, 403), answer.text
    body = answer.json()["error"]
    return body["code"], body.get("error_subcode")


async def create(walks: MetaWalks, token: str, **fields: str) -> Any:
    return await walks.fb("POST", f"/{LINKED}/media", token, **fields)


async def status(walks: MetaWalks, token: str, id: str) -> Any:
    answer = await walks.fb("GET", f"/{id}", token, fields="status_code,status")
    return answer.json()["status_code"]


async def publish(walks: MetaWalks, token: str, id: str) -> Any:
    return await walks.fb("POST", f"/{LINKED}/media_publish", token, creation_id=id)


async def prepared(walks: MetaWalks, token: str, caption: str = "Bread") -> str:
    image = walks.twins.put("/a.jpg", jpeg())
    id = str((await create(walks, token, image_url=image, caption=caption)).json()["id"])
    assert await status(walks, token, id) == "FINISHED"
    return id


async def test_who_it_is(walks: MetaWalks, page: str) -> None:
    answer = await walks.fb("GET", f"/{LINKED}", page, fields="id,username,name")
    assert answer.json() == {"id": LINKED, "username": "bakery", "name": "Bakery"}
    assert '"instagram"' in answer.headers["x-business-use-case-usage"]
    assert error(await walks.fb("GET", f"/{LINKED}", page, fields="account_type")) == (100, None)


async def test_publishing_is_that_of_instagram(walks: MetaWalks, page: str) -> None:
    id = await prepared(walks, page)
    post = (await publish(walks, page, id)).json()["id"]
    shown = (await walks.fb("GET", f"/{post}", page, fields="permalink,media_type")).json()
    assert shown["permalink"].startswith("https://www.instagram.com/p/")
    assert await status(walks, page, id) == "PUBLISHED"
    assert error(await publish(walks, page, id)) == (24, 2207008)
    listed = (await walks.fb("GET", f"/{LINKED}/media", page, fields="id")).json()
    assert listed["data"] == [{"id": post}]
    limit = await walks.fb("GET", f"/{LINKED}/content_publishing_limit", page, fields="quota_usage")
    assert limit.json() == {"data": [{"quota_usage": 1}]}
    (entry,) = walks.twins.world.ledger.posts("Bread")
    assert (entry.platform, entry.account) == ("instagram", LINKED)


async def test_the_account_is_the_same_by_both_ways(walks: MetaWalks, page: str) -> None:
    post = (await publish(walks, page, await prepared(walks, page))).json()["id"]
    own = await walks.twins.ig_link()
    assert (await walks.twins.ig("GET", f"/{post}", own)).status_code == 200
    assert (await walks.twins.ig("GET", "/me", own, fields="media_count")).json()["media_count"] == 1


async def test_bytes_through_the_upload_host(walks: MetaWalks, page: str) -> None:
    fields = {"media_type": "REELS", "upload_type": "resumable", "caption": "Reel"}
    made = (await create(walks, page, **fields)).json()
    assert [await status(walks, page, made["id"]) for _ in range(4)] == ["IN_PROGRESS"] * 4
    path = f"/rupload.facebook.com/ig-api-upload/v26.0/{made['id']}"
    headers = {"authorization": f"OAuth {page}", "offset": "0", "file_size": str(len(MP4))}
    cut = await walks.twins.http.post(path, content=MP4[:50], headers=headers)
    assert cut.json()["debug_info"]["type"] == "ProcessingFailedError"
    sent = await walks.twins.http.post(path, content=MP4, headers=headers)
    assert sent.json() == {"success": True, "message": "Upload successful."}
    states = [await status(walks, page, made["id"]) for _ in range(3)]
    assert states == ["IN_PROGRESS", "IN_PROGRESS", "FINISHED"]
    assert (await publish(walks, page, made["id"])).status_code == 200
    assert (await walks.twins.http.post(path, content=MP4, headers=headers)).status_code == 400


async def test_reads_with_a_pages_token_may_want_the_persons(walks: MetaWalks) -> None:
    person = await walks.fb_link()
    page = await walks.mint(person)
    id = await prepared(walks, page)
    walks.twins.world.modes["facebook.instagram_reads"] = "user"
    assert error(await walks.fb("GET", f"/{id}", page)) == (100, 33)
    assert await status(walks, person, id) == "FINISHED"
    assert (await publish(walks, page, id)).status_code == 200
    walks.twins.world.set_fault("data_access_expired", "facebook", ANNA)
    assert error(await walks.fb("GET", f"/{id}", person)) == (10, None)


async def test_permissions_ticks_and_roles(walks: MetaWalks) -> None:
    scopes = facebook_query()["scope"].split(",")
    unticked = await walks.mint(await walks.fb_link(decision="partial", scope=scopes, asset=[PAGE]))
    assert error(await walks.fb("GET", f"/{LINKED}", unticked)) == (100, 33)
    narrow = [scope for scope in scopes if scope != "instagram_content_publish"]
    query = facebook_query(auth_type="rerequest")
    reading = await walks.mint(
        await walks.fb_link(query, decision="partial", scope=narrow, asset=[PAGE, LINKED])
    )
    assert (await walks.fb("GET", f"/{LINKED}", reading)).status_code == 200
    image = walks.twins.put("/a.jpg", jpeg())
    assert error(await create(walks, reading, image_url=image)) == (10, None)
    form: dict[str, Any] = {"as": BEN}
    analyst = await walks.mint(await walks.fb_link(**form))
    assert error(await create(walks, analyst, image_url=image)) == (200, None)
    assert error(await walks.fb("GET", f"/{OTHER}", analyst)) == (100, 33)


async def test_unlinked_from_its_page(walks: MetaWalks, page: str) -> None:
    walks.twins.world.set_fault("account_unlinked", "facebook", PAGE)
    assert error(await walks.fb("GET", f"/{LINKED}", page)) == (100, 33)
    shown = await walks.fb("GET", f"/{PAGE}", page, fields="instagram_business_account")
    assert shown.json() == {"id": PAGE}
    walks.twins.world.faults.clear()
    assert (await walks.fb("GET", f"/{LINKED}", page)).status_code == 200
    account = walks.twins.world.accounts["facebook", PAGE]
    walks.twins.world.add_account(replace(account, extra={**account.extra, "instagram": ""}))
    assert error(await walks.fb("GET", f"/{LINKED}", page)) == (100, 33)


async def test_faults_of_the_instagram_account_are_met_here_too(walks: MetaWalks, page: str) -> None:
    world = walks.twins.world
    world.set_fault("suspended", "instagram", LINKED)
    assert error(await walks.fb("GET", f"/{LINKED}", page)) == (25, 2207050)
    assert (await walks.fb("GET", "/me", page)).status_code == 200
    world.faults.clear()
    world.set_fault("rate_limited", "instagram", LINKED, count=1)
    assert error(await walks.fb("GET", f"/{LINKED}", page)) == (80002, None)
    id = await prepared(walks, page, "Once")
    world.set_fault("lost_after", "instagram", LINKED, group="publish", count=1)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await publish(walks, page, id)
    assert len(world.ledger.posts("Once")) == 1
    assert await status(walks, page, id) == "PUBLISHED"


async def test_a_personal_account_has_no_api(walks: MetaWalks, page: str) -> None:
    walks.twins.world.change_account("instagram", LINKED, extra={"account_type": "PERSONAL"})
    answer = await walks.fb("GET", f"/{LINKED}", page)
    assert answer.json()["error"]["message"] == "The user is not an Instagram Business"
