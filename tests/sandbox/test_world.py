from __future__ import annotations

import time

import pytest

from sandbox.platforms.faults import FaultBoard
from sandbox.platforms.model import Account, App
from sandbox.world import PlatformWorld


@pytest.fixture
def offset() -> list[float]:
    return [0.0]


@pytest.fixture
def world(offset: list[float]) -> PlatformWorld:
    world = PlatformWorld(lambda: offset[0])
    world.add_account(Account(platform="x", id="1", handle="a", name="A"))
    return world


@pytest.fixture
def app(world: PlatformWorld) -> App:
    return world.register_app(
        App(platform="x", client_id="app", secret="a-long-secret", redirect_uris=(), scopes=frozenset({"s"}))
    )


def look(world: PlatformWorld, value: str, group: str = "probe") -> str:
    return world.present("x", value, endpoint="/", group=group).state


def test_house_time_follows_the_offset(world: PlatformWorld, offset: list[float]) -> None:
    before = world.now()
    offset[0] = 86_400
    assert (world.now() - before).total_seconds() >= 86_400


def test_a_token_expires_in_house_time(world: PlatformWorld, offset: list[float]) -> None:
    token = world.issue(world.new_grant("x", "app", "1", {"s"}), "access", seconds=100)
    assert look(world, token.value) == "fresh"
    offset[0] = 101
    assert look(world, token.value) == "expired"


def test_a_code_lives_in_real_time_and_once(world: PlatformWorld, app: App, offset: list[float]) -> None:
    code = world.new_code(app, "1", {"s"}, "https://back.example", ttl=60)
    offset[0] = 1_000_000
    assert world.present_code("x", code.value)[1] == "fresh"
    world.spend_code(code)
    assert world.present_code("x", code.value)[1] == "spent"
    assert world.present_code("x", "nonsense-code")[1] == "unknown"


def test_a_code_dies(world: PlatformWorld, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    code = world.new_code(app, "1", {"s"}, "https://back.example", ttl=30)
    started = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: started + 31)
    assert world.present_code("x", code.value)[1] == "expired"


def test_the_ledger_tells_whether_a_spent_refresh_token_was_presented(world: PlatformWorld) -> None:
    token = world.issue(world.new_grant("x", "app", "1", {"s"}), "refresh", seconds=None)
    look(world, token.value, "refresh")
    world.spend(token)
    assert world.ledger.spent_refreshes() == []
    look(world, token.value, "refresh")
    (entry,) = world.ledger.spent_refreshes("x")
    assert entry.account == "1"
    assert entry.detail["token"] == token.id


def test_the_ledger_holds_no_secret_and_secrets_holds_all(world: PlatformWorld, app: App) -> None:
    code = world.new_code(app, "1", {"s"}, "https://back.example", ttl=60)
    token = world.issue(world.new_grant("x", "app", "1", {"s"}), "access", seconds=1)
    look(world, token.value)
    look(world, "an-unknown-token")
    world.present_code("x", code.value)
    known = {code.value, token.value, "a-long-secret", "an-unknown-token"}
    assert known <= world.secrets()
    told = str([entry.as_json() for entry in world.ledger.entries])
    assert not any(secret in told for secret in world.secrets())


def test_a_grant_ends_with_all_its_tokens_and_keeps_its_first_reason(world: PlatformWorld) -> None:
    grant = world.new_grant("x", "app", "1", {"s"})
    token = world.issue(grant, "access", seconds=None)
    world.end_grant(grant.id, "revoked")
    world.end_grant(grant.id, "other")
    assert look(world, token.value) == "ended"
    assert world.grants[grant.id].ended == "revoked"
    assert len(world.ledger.find("grant_ended")) == 1


def test_revoked_spares_a_newer_grant_and_expired_a_newer_token(world: PlatformWorld) -> None:
    grant = world.new_grant("x", "app", "1", {"s"})
    old = world.issue(grant, "access", seconds=None)
    world.set_fault("expired", "x", "1")
    new = world.issue(grant, "access", seconds=None)
    assert (look(world, old.value), look(world, new.value)) == ("expired", "fresh")
    world.set_fault("revoked", "x", "1")
    again = world.issue(world.new_grant("x", "app", "1", {"s"}), "access", seconds=None)
    assert (look(world, new.value), look(world, again.value)) == ("ended", "fresh")
    assert world.ledger.find("revoke", by="user")


def test_a_fault_is_limited_to_its_group_and_count() -> None:
    numbers = iter(range(1, 100))
    board = FaultBoard(lambda: next(numbers))
    board.set("unavailable", "x", "1", group="publish", count=2)
    assert board.take({"unavailable"}, "x", ("1",), "probe") is None
    assert board.take({"unavailable"}, "x", ("2",), "publish") is None
    assert board.take({"unavailable"}, "y", ("1",), "publish") is None
    assert board.take({"unavailable"}, "x", ("1",), "publish")
    assert board.take({"unavailable"}, "x", ("1",), "publish")
    assert board.take({"unavailable"}, "x", ("1",), "publish") is None
    assert board.standing == ()


@pytest.mark.parametrize(
    "wrong", [{"kind": "no-such"}, {"group": "no-such"}, {"count": 0}], ids=["kind", "group", "count"]
)
def test_a_wrong_fault_is_refused(world: PlatformWorld, wrong: dict[str, object]) -> None:
    given: dict[str, object] = {"kind": "slow", "platform": "x", **wrong}
    with pytest.raises(ValueError, match=r"unknown|at least"):
        world.set_fault(**given)  # type: ignore[arg-type]


def test_a_fault_for_nobody_is_refused(world: PlatformWorld) -> None:
    with pytest.raises(KeyError):
        world.set_fault("slow", "x", "404")


def test_posts_are_listed_newest_first_and_deleted_once(world: PlatformWorld) -> None:
    account = world.accounts["x", "1"]
    for id in ("1", "2"):
        world.add_post(account, id, "same", shown="same", media=(), permalink="")
    assert [post.id for post in world.posts_of("x", "1")] == ["2", "1"]
    assert len(world.ledger.posts("same")) == 2
    world.delete_post("x", "2", by="user")
    assert [post.id for post in world.posts_of("x", "1")] == ["1"]
    with pytest.raises(KeyError):
        world.delete_post("x", "2", by="user")
