from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from sandbox.control import render_faults_panel
from sandbox.platforms.model import Account
from sandbox.platforms.testing import Twins


class Forms(HTMLParser):
    """The test ids of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.marks += [value for name, value in attrs if name == "data-testid" and value]


async def act(twins: Twins, action: str, account: str = "1001", platform: str = "x", **more: Any) -> int:
    body = {"action": action, "platform": platform, "account": account, **more}
    return (await twins.http.post("/_control/actions", json=body)).status_code


async def me(twins: Twins, token: str) -> Any:
    return await twins.x_api("GET", "/2/users/me", token)


async def test_faults_are_set_listed_and_cleared(twins: Twins) -> None:
    token = (await twins.x_link())["access_token"]
    body = {"kind": "unavailable", "platform": "x", "account": "1001", "group": "probe", "count": 2}
    fault = (await twins.http.post("/_control/faults", json=body)).json()
    assert (fault["kind"], fault["left"]) == ("unavailable", 2)
    assert (await me(twins, token)).status_code == 503
    listed = (await twins.http.get("/_control/faults")).json()["faults"]
    assert [(entry["id"], entry["left"]) for entry in listed] == [(fault["id"], 1)]
    cleared = await twins.http.delete("/_control/faults", params={"id": str(fault["id"])})
    assert cleared.json() == {"cleared": 1}
    assert (await me(twins, token)).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"kind": "no-such"}, 400),
        ({"group": "no-such"}, 400),
        ({"count": "many"}, 400),
        ({"count": 0}, 400),
        ({"account": "404"}, 404),
    ],
)
async def test_a_wrong_fault_is_refused(twins: Twins, wrong: dict[str, Any], status: int) -> None:
    body = {"kind": "slow", "platform": "x", "account": "1001", **wrong}
    assert (await twins.http.post("/_control/faults", json=body)).status_code == status
    assert not twins.world.faults.standing


@pytest.mark.parametrize("action", ["revoke", "change_password"])
async def test_a_user_ends_the_grant_on_the_platforms_side(twins: Twins, action: str) -> None:
    token = (await twins.x_link())["access_token"]
    assert await act(twins, action) == 200
    assert (await me(twins, token)).status_code == 401
    again = (await twins.x_link())["access_token"]
    assert (await me(twins, again)).status_code == 200
    assert twins.world.ledger.find("user_action", action=action)


async def test_a_user_renames_is_suspended_and_restored(twins: Twins) -> None:
    token = (await twins.x_link())["access_token"]
    assert await act(twins, "rename", handle="new_bakery") == 200
    assert (await me(twins, token)).json()["data"]["username"] == "new_bakery"
    await act(twins, "suspend")
    assert (await me(twins, token)).status_code == 403
    await act(twins, "restore")
    assert (await me(twins, token)).status_code == 200


async def test_a_user_deletes_a_post(twins: Twins) -> None:
    token = (await twins.x_link())["access_token"]
    answer = await twins.x_api("POST", "/2/tweets", token, json={"text": "Oops"})
    id = answer.json()["data"]["id"]
    posts = (await twins.http.get("/_control/posts", params={"platform": "x"})).json()["posts"]
    assert [(post["id"], post["text"]) for post in posts] == [(id, "Oops")]
    assert await act(twins, "delete_post", post=id) == 200
    assert (await twins.http.get("/_control/posts")).json() == {"posts": []}
    assert await act(twins, "delete_post", post=id) == 404


async def test_an_unknown_action_or_account_is_refused(twins: Twins) -> None:
    assert await act(twins, "dance") == 404
    assert await act(twins, "revoke", account="404") == 404
    assert await act(twins, "rename") == 404


async def test_the_ledger_is_read_on_from_where_one_was(twins: Twins) -> None:
    await twins.x_link()
    entries = (await twins.http.get("/_control/ledger")).json()["entries"]
    assert [entry["event"] for entry in entries][:2] == ["consent", "code_issued"]
    query = {"after": str(entries[-1]["seq"])}
    assert (await twins.http.get("/_control/ledger", params=query)).json() == {"entries": []}
    query = {"event": "token_issued", "platform": "x", "account": "1001"}
    issued = (await twins.http.get("/_control/ledger", params=query)).json()["entries"]
    assert {entry["detail"]["kind"] for entry in issued} == {"access", "refresh"}


async def test_no_secret_leaves_through_control(twins: Twins) -> None:
    tokens = await twins.x_link()
    await twins.ig_link()
    await twins.x_refresh(tokens["refresh_token"])
    await twins.x_refresh(tokens["refresh_token"])
    paths = ("accounts", "faults", "ledger", "posts")
    told = "".join([(await twins.http.get(f"/_control/{path}")).text for path in paths])
    assert tokens["refresh_token"] in twins.world.secrets()
    assert not [secret for secret in twins.world.secrets() if secret in told]


async def test_modes_are_switched(twins: Twins) -> None:
    token = await twins.ig_link()
    await twins.http.post("/_control/modes", json={"instagram.me": "wrapped"})
    assert "data" in (await twins.ig("GET", "/me", token)).json()


async def test_the_panel_breaks_an_account_and_puts_it_right(twins: Twins) -> None:
    twins.world.add_account(Account(platform="x", id="3", handle="evil", name="<script>"))
    panel = render_faults_panel(twins.world)
    forms = Forms()
    forms.feed(panel)
    assert {"break-x-bakery", "break-instagram-florist"} <= set(forms.marks)
    assert "<script>" not in panel
    form = {"platform": "x", "account": "1001", "kind": "suspended", "count": "3"}
    headers = {"referer": "http://127.0.0.1/demo?tab=1"}
    answer = await twins.http.post("/_control/forms/faults", data=form, headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (303, "/demo")
    assert "Account suspended or restricted (3 more): put right" in render_faults_panel(twins.world)
    (fault,) = twins.world.faults.standing
    await twins.http.post("/_control/forms/clear", data={"id": str(fault.id)})
    assert twins.world.faults.standing == ()
    wrong = await twins.http.post("/_control/forms/faults", data={**form, "kind": "no-such"})
    assert wrong.status_code == 400
