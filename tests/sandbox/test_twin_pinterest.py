from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from sandbox.platforms.model import Account, App
from sandbox.platforms.testing import CHALLENGE, Twins, jpeg

BACK = "http://localhost:3000/oauth/pinterest/callback"
SCOPES = "user_accounts:read,boards:read,boards:write,pins:read,pins:write"
AUTHORIZE = "/www.pinterest.com/oauth/"
TOKEN = "/api.pinterest.com/v5/oauth/token"
AUTH = ("1500001", "pin-secret-1")
APP = App(
    platform="pinterest",
    client_id="1500001",
    secret="pin-secret-1",
    redirect_uris=(BACK,),
    scopes=frozenset([*SCOPES.split(","), "boards:read_secret"]),
)
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"\x00" * 100
DEAD = {"code": 283, "message": "The authorization grant is invalid"}


@pytest.fixture(autouse=True)
def populated(twins: Twins) -> None:
    twins.world.register_app(APP)
    for id, handle, board in (("61", "bakery", "9001"), ("62", "florist", "9101")):
        boards = [
            {"id": board, "name": "Bread", "privacy": "PUBLIC", "sections": ["77"]},
            {"id": f"{board}9", "name": "Plans", "privacy": "SECRET"},
        ]
        twins.world.add_account(
            Account(platform="pinterest", id=id, handle=handle, name=handle.title(), extra={"boards": boards})
        )


def asked(**changes: str) -> dict[str, str]:
    query = {
        "client_id": "1500001",
        "redirect_uri": BACK,
        "response_type": "code",
        "scope": SCOPES,
        "state": "state-1",
    }
    return {**query, **changes}


async def ask_token(twins: Twins, form: dict[str, str], auth: tuple[str, str] = AUTH) -> httpx.Response:
    return await twins.http.post(TOKEN, data=form, auth=auth)


async def exchange(twins: Twins, code: str, /, **changes: str) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    return await ask_token(twins, {**form, **changes})


async def link(twins: Twins, scope: str = SCOPES, /, **form: Any) -> dict[str, Any]:
    back = await twins.consent(AUTHORIZE, asked(scope=scope), form or {"decision": "approve"})
    answer = await exchange(twins, back["code"])
    assert answer.status_code == 200, answer.text
    tokens: dict[str, Any] = answer.json()
    return tokens


async def refresh(twins: Twins, token: str, **more: str) -> httpx.Response:
    return await ask_token(twins, {"grant_type": "refresh_token", "refresh_token": token, **more})


async def api(twins: Twins, method: str, path: str, token: str, **more: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    return await twins.http.request(method, f"/api.pinterest.com/v5{path}", headers=headers, **more)


def why(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["code"]


# Consent and tokens


async def test_consent_is_all_or_nothing(twins: Twins) -> None:
    page = (await twins.http.get(AUTHORIZE, params=asked())).text
    assert 'data-testid="partial"' not in page
    back = await twins.consent(AUTHORIZE, asked(), {"decision": "deny"})
    assert back == {"error": "access_denied", "state": "state-1"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "other"},
        {"redirect_uri": BACK + "/"},
        {"response_type": "token"},
        {"scope": "pins:read pins:write"},
        {"scope": ""},
        {"code_challenge": CHALLENGE},
    ],
    ids=str,
)
async def test_a_wrong_request_gets_a_page(twins: Twins, wrong: dict[str, str]) -> None:
    answer = await twins.http.get(AUTHORIZE, params=asked(**wrong))
    assert answer.status_code == 400
    assert 'data-testid="reason"' in answer.text


async def test_the_pair_names_lives_and_an_end(twins: Twins) -> None:
    tokens = await link(twins)
    assert tokens["access_token"].startswith("pina_")
    assert tokens["refresh_token"].startswith("pinr.")
    assert (tokens["expires_in"], tokens["refresh_token_expires_in"]) == (2_592_000, 5_184_000)
    assert tokens["response_type"] == "authorization_code"
    end = twins.world.now().timestamp() + 5_184_000
    assert tokens["refresh_token_expires_at"] == pytest.approx(end, abs=5)
    assert set(tokens["scope"].split()) == set(SCOPES.split(","))
    twins.world.modes["pinterest.scope_separator"] = "comma"
    assert set((await link(twins))["scope"].split(",")) == set(SCOPES.split(","))


async def test_basic_auth_and_a_form_are_demanded(twins: Twins) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "pinr.unknown"}
    for auth in (("1500001", "wrong-secret"), ("other", "pin-secret-1")):
        answer = await ask_token(twins, form, auth)
        assert (answer.status_code, answer.json()) == (401, {"code": 2, "message": "Authentication failed."})
    body = {**form, "client_id": "1500001", "client_secret": "pin-secret-1"}
    assert why(await twins.http.post(TOKEN, data=body)) == (401, 2)
    assert why(await twins.http.post(TOKEN, json=form, auth=AUTH)) == (400, 1)
    assert why(await ask_token(twins, {"grant_type": "magic"})) == (400, 1)
    assert why(await ask_token(twins, {"grant_type": "refresh_token"})) == (400, 1)
    assert why(await refresh(twins, "r", continuous_refresh="false")) == (400, 1)


async def test_a_code_works_once_and_with_its_redirect(twins: Twins) -> None:
    code = (await twins.consent(AUTHORIZE, asked(), {"decision": "approve"}))["code"]
    wrong = await exchange(twins, code, redirect_uri=BACK + "/")
    assert (wrong.status_code, wrong.json()) == (401, DEAD)
    assert (await exchange(twins, code, continuous_refresh="true")).status_code == 200
    assert (await exchange(twins, code)).json() == DEAD
    assert (await exchange(twins, "unknown")).json() == DEAD


async def test_every_refresh_gives_a_new_pair_and_ends_the_old_one(twins: Twins) -> None:
    first = await link(twins)
    second = (await refresh(twins, first["refresh_token"])).json()
    assert second["response_type"] == "refresh_token"
    assert second["refresh_token"] != first["refresh_token"]
    answer = await refresh(twins, first["refresh_token"])
    assert (answer.status_code, answer.json()) == (401, DEAD)
    assert len(twins.world.ledger.spent_refreshes("pinterest")) == 1
    assert why(await refresh(twins, second["refresh_token"], scope="ads:read")) == (400, 1)
    narrow = (await refresh(twins, second["refresh_token"], scope="pins:read")).json()
    assert narrow["scope"] == "pins:read"
    assert why(await api(twins, "GET", "/boards", narrow["access_token"])) == (401, 3)


async def test_what_is_not_confirmed_can_be_switched(twins: Twins) -> None:
    twins.world.modes.update({"pinterest.old_refresh": "lives", "pinterest.same_access": "on"})
    first = await link(twins)
    second = (await refresh(twins, first["refresh_token"])).json()
    assert second["access_token"] == first["access_token"]
    twins.advance(days=2)
    third = (await refresh(twins, first["refresh_token"])).json()
    assert third["access_token"] != first["access_token"]
    twins.world.modes["pinterest.limit_headers"] = "on"
    answer = await api(twins, "GET", "/user_account", third["access_token"])
    assert {"x-pinterest-rid", "x-ratelimit-limit"} <= set(answer.headers)


async def test_lifetimes_roll(twins: Twins) -> None:
    tokens = await link(twins)
    twins.advance(days=31)
    assert why(await api(twins, "GET", "/user_account", tokens["access_token"])) == (401, 2)
    for _ in range(3):
        tokens = (await refresh(twins, tokens["refresh_token"])).json()
        twins.advance(days=59)
    twins.advance(days=2)
    assert (await refresh(twins, tokens["refresh_token"])).json() == DEAD


async def test_ordinary_tokens_cannot_be_revoked_by_the_app(twins: Twins) -> None:
    tokens = await link(twins)
    form = {"token": tokens["access_token"]}
    assert why(await twins.http.post(f"{TOKEN}/revoke", data=form, auth=AUTH)) == (403, 29)
    assert why(await twins.http.post(f"{TOKEN}/revoke", data=form)) == (401, 2)
    assert (await api(twins, "GET", "/user_account", tokens["access_token"])).status_code == 200


# Who, and boards


async def test_who_am_i(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    answer = await api(twins, "GET", "/user_account", token)
    assert (answer.json()["id"], answer.json()["username"]) == ("61", "bakery")
    assert answer.json()["account_type"] == "BUSINESS"
    assert "x-pinterest-rid" in answer.headers
    assert why(await api(twins, "GET", "/user_account", "pina_unknown")) == (401, 2)
    narrow = (await link(twins, "boards:read"))["access_token"]
    assert why(await api(twins, "GET", "/user_account", narrow)) == (401, 3)


async def test_boards_come_in_pages_and_secret_ones_need_their_scope(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    body = (await api(twins, "GET", "/boards?page_size=250", token)).json()
    assert [board["id"] for board in body["items"]] == ["9001"]
    assert body["bookmark"] is None
    seer = (await link(twins, f"{SCOPES},boards:read_secret"))["access_token"]
    first = (await api(twins, "GET", "/boards?page_size=1", seer)).json()
    second = (await api(twins, "GET", f"/boards?page_size=1&bookmark={first['bookmark']}", seer)).json()
    assert [first["items"][0]["name"], second["items"][0]["name"]] == ["Bread", "Plans"]
    assert second["bookmark"] is None
    assert why(await api(twins, "GET", "/boards?page_size=251", token)) == (400, 1)
    assert (await api(twins, "GET", "/boards/9001", token)).json()["name"] == "Bread"
    assert why(await api(twins, "GET", "/boards/9101", token)) == (403, 29)
    assert why(await api(twins, "GET", "/boards/404", token)) == (404, 40)


# Pins


def pin(source: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body = {"board_id": "9001", "title": "Bread", "description": "A loaf", "media_source": source, **changes}
    return {name: value for name, value in body.items() if value is not None}


def at(twins: Twins, path: str = "/a.jpg", data: bytes = b"") -> dict[str, Any]:
    return {"source_type": "image_url", "url": twins.put(path, data or jpeg())}


async def create(twins: Twins, token: str, body: dict[str, Any]) -> httpx.Response:
    return await api(twins, "POST", "/pins", token, json=body)


async def test_a_pin_lives_on_its_board(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    answer = await create(twins, token, pin(at(twins), board_section_id="77", link="https://a.example"))
    assert answer.status_code == 201
    made = answer.json()
    assert (made["board_id"], made["board_owner"]["username"], made["is_owner"]) == ("9001", "bakery", True)
    (entry,) = twins.world.ledger.posts("A loaf", platform="pinterest", account="61")
    assert (entry.detail["id"], entry.detail["board"]) == (made["id"], "9001")
    (listed,) = (await api(twins, "GET", "/boards/9001/pins", token)).json()["items"]
    assert listed["id"] == made["id"]
    other = (await link(twins, **{"as": "62"}))["access_token"]
    assert (await api(twins, "GET", f"/pins/{made['id']}", other)).json()["is_owner"] is False
    assert why(await api(twins, "DELETE", f"/pins/{made['id']}", other)) == (403, 29)
    assert (await api(twins, "DELETE", f"/pins/{made['id']}", token)).status_code == 204
    assert why(await api(twins, "GET", f"/pins/{made['id']}", token)) == (404, 50)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"board_id": "Bread"}, (400, 1)),
        ({"board_id": None}, (400, 1)),
        ({"board_id": "404"}, (404, 40)),
        ({"board_id": "9101"}, (403, 29)),
        ({"board_section_id": "1"}, (404, 2031)),
        ({"title": "x" * 101}, (400, 1)),
        ({"description": "x" * 801}, (400, 1)),
        ({"alt_text": "x" * 501}, (400, 1)),
        ({"link": "nonsense"}, (400, 1)),
        ({"title": 5}, (400, 1)),
        ({"colour": "red"}, (400, 1)),
        ({"media_source": None}, (400, 1)),
        ({"media_source": {"source_type": "smell"}}, (400, 1)),
        ({"media_source": {"source_type": "image_url", "url": "http://127.0.0.1:9/x.jpg"}}, (400, 1)),
        (
            {"media_source": {"source_type": "image_base64", "content_type": "image/gif", "data": ""}},
            (400, 1),
        ),
        ({"media_source": {"source_type": "multiple_image_urls", "items": []}}, (400, 1)),
        ({"media_source": {"source_type": "video_id", "media_id": "1"}}, (400, 1)),
    ],
    ids=str,
)
async def test_wrong_pins(twins: Twins, changes: dict[str, Any], expected: tuple[int, int]) -> None:
    token = (await link(twins))["access_token"]
    assert why(await create(twins, token, pin(at(twins), **changes))) == expected
    assert not twins.world.ledger.posts(platform="pinterest")


async def test_all_scopes_are_needed_to_pin(twins: Twins) -> None:
    token = (await link(twins, SCOPES.replace(",boards:write", "")))["access_token"]
    assert why(await create(twins, token, pin(at(twins)))) == (401, 3)


async def test_images_in_the_request_and_carousels(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    inline = {"content_type": "image/jpeg", "data": base64.b64encode(jpeg()).decode()}
    answer = await create(twins, token, pin({"source_type": "image_base64", **inline}))
    assert answer.status_code == 201
    several = {"source_type": "multiple_image_base64", "items": [inline, inline]}
    assert (await create(twins, token, pin(several))).status_code == 201
    items = [{"url": at(twins)["url"], "title": "One"}, {"url": at(twins, "/b.jpg")["url"]}]
    urls = {"source_type": "multiple_image_urls", "items": items, "index": 1}
    assert (await create(twins, token, pin(urls))).status_code == 201
    items[1]["url"] = at(twins, "/wide.jpg", jpeg(2000, 1000))["url"]
    answer = await create(twins, token, pin(urls))
    assert why(answer) == (400, 1)
    assert "same size" in answer.json()["message"]


async def test_an_image_that_cannot_be_reached(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    twins.world.set_fault("media_unfetchable", "pinterest", "61", count=1)
    answer = await create(twins, token, pin(at(twins)))
    assert answer.json() == {"code": 1, "message": "Unable to reach the URL."}
    assert (await create(twins, token, pin(at(twins)))).status_code == 201


async def test_trial_access(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    twins.world.register_app(App(**{**APP.__dict__, "reviewed": False}))
    answer = await create(twins, token, pin(at(twins)))
    assert why(answer) == (403, 29)
    assert "Trial access" in answer.json()["message"]
    headers = {"authorization": f"Bearer {token}"}
    path = "/api-sandbox.pinterest.com/v5/pins"
    assert (await twins.http.post(path, json=pin(at(twins)), headers=headers)).status_code == 201
    twins.world.modes["pinterest.trial"] = "hidden"
    made = (await create(twins, token, pin(at(twins)))).json()["id"]
    assert (await api(twins, "GET", f"/pins/{made}", token)).status_code == 200
    other = (await link(twins, **{"as": "62"}))["access_token"]
    assert why(await api(twins, "GET", f"/pins/{made}", other)) == (404, 50)


# Videos


async def register(twins: Twins, token: str) -> dict[str, Any]:
    answer = await api(twins, "POST", "/media", token, json={"media_type": "video"})
    assert answer.status_code == 201, answer.text
    media: dict[str, Any] = answer.json()
    return media


async def upload(
    twins: Twins, media: dict[str, Any], data: bytes = MP4, date: str | None = None
) -> httpx.Response:
    fields = {**media["upload_parameters"], **({"x-amz-date": date} if date else {})}
    return await twins.http.post(
        media["upload_url"].replace("https://", "/"), data=fields, files={"file": ("v.mp4", data)}
    )


def film(twins: Twins, media: dict[str, Any]) -> dict[str, Any]:
    return {"source_type": "video_id", "media_id": media["media_id"], "cover_image_url": at(twins)["url"]}


async def state(twins: Twins, token: str, media: dict[str, Any]) -> str:
    return str((await api(twins, "GET", f"/media/{media['media_id']}", token)).json()["status"])


async def test_a_video_is_registered_posted_polled_and_pinned(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    media = await register(twins, token)
    assert media["upload_url"] == "https://pinterest-media-upload.s3-accelerate.amazonaws.com/"
    assert await state(twins, token, media) == "registered"
    assert (await upload(twins, media)).status_code == 204
    assert [await state(twins, token, media) for _ in range(2)] == ["processing", "succeeded"]
    bare = {"source_type": "video_id", "media_id": media["media_id"]}
    answer = await create(twins, token, pin(bare))
    assert "cover_image" in answer.json()["message"]
    answer = await create(twins, token, pin(film(twins, media)))
    assert (answer.status_code, answer.json()["media"]["media_type"]) == (201, "video")
    other = (await link(twins, **{"as": "62"}))["access_token"]
    foreign = await create(twins, other, pin(film(twins, media), board_id="9101"))
    assert foreign.status_code == 404


async def test_the_bucket_takes_only_what_was_signed(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    media = await register(twins, token)
    tampered = await upload(twins, media, date="20200101T000000Z")
    assert (tampered.status_code, "AccessDenied" in tampered.text) == (403, True)
    address = media["upload_url"].replace("https://", "/")
    assert (await twins.http.put(address, content=MP4)).status_code == 405
    assert (await twins.http.post(address, content=MP4)).status_code == 412
    files = {"movie": ("v.mp4", MP4)}
    assert (await twins.http.post(address, data=media["upload_parameters"], files=files)).status_code == 400
    assert await state(twins, token, media) == "registered"
    early = await create(twins, token, pin(film(twins, media)))
    assert "registered" in early.json()["message"]
    assert why(await api(twins, "POST", "/media", token, json={"media_type": "image"})) == (400, 1)


async def test_videos_can_be_slow_or_fail(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    twins.world.set_fault("container_slow", "pinterest", "61", count=1, value=2)
    slow = await register(twins, token)
    await upload(twins, slow)
    assert [await state(twins, token, slow) for _ in range(4)] == ["processing"] * 3 + ["succeeded"]
    broken = await register(twins, token)
    await upload(twins, broken, b"not a video")
    assert [await state(twins, token, broken) for _ in range(2)] == ["processing", "failed"]


# Faults


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("expired", (401, 2)),
        ("revoked", (401, 2)),
        ("password_changed", (401, 2)),
        ("scope_removed", (401, 3)),
        ("suspended", (403, 2625)),
        ("checkpoint", (403, 2626)),
        ("app_suspended", (403, 29)),
        ("unreviewed", (403, 29)),
        ("rate_limited", (429, 8)),
        ("unavailable", (503, 12)),
    ],
)
async def test_faults_while_pinning(twins: Twins, kind: str, expected: tuple[int, int]) -> None:
    token = (await link(twins))["access_token"]
    other = (await link(twins, **{"as": "62"}))["access_token"]
    twins.world.set_fault(kind, "pinterest", "61")
    assert why(await create(twins, token, pin(at(twins)))) == expected
    assert (await create(twins, other, pin(at(twins), board_id="9101"))).status_code == 201


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("refresh_dead", (401, 283)),
        ("revoked", (401, 283)),
        ("secret_wrong", (401, 2)),
        ("rate_limited", (429, 8)),
        ("unavailable", (503, 12)),
    ],
)
async def test_faults_while_refreshing(twins: Twins, kind: str, expected: tuple[int, int]) -> None:
    tokens = await link(twins)
    twins.world.set_fault(kind, "pinterest", "61", group="refresh", count=1)
    assert why(await refresh(twins, tokens["refresh_token"])) == expected


async def test_a_board_that_was_deleted_from_outside(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    action = {"action": "change", "platform": "pinterest", "account": "61", "extra": {"boards": []}}
    assert (await twins.http.post("/_control/actions", json=action)).status_code == 200
    assert why(await create(twins, token, pin(at(twins)))) == (404, 40)


async def test_other_paths_and_methods(twins: Twins) -> None:
    token = (await link(twins))["access_token"]
    assert (await api(twins, "GET", "/nothing", token)).status_code == 404
    assert (await api(twins, "PUT", "/pins", token)).status_code == 405
    answer = await api(twins, "POST", "/pins", token, content="{}")
    assert why(answer) == (400, 1)
