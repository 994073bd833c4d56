from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.commands.media import MOST_BYTES, link_problem, look_at_link
from bot.domain.errors import Refused
from bot.http import OpenHttp
from bot.media.looks import sniff
from bot.messages import composer_blocks
from bot.platforms.content import MediaKind
from sandbox.agency import wall
from sandbox.platforms.testing import jpeg
from sandbox.slack.delivery import deliver
from sandbox.slack.payloads import view_submission
from storage.models import AuditEvent, Client, Delivery, Post, StoredMedia
from tests.commands.scene import PICTURE, Scene

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big")


async def opened(scene: Scene, *platforms: str, text: str = "") -> tuple[Any, str, list[str]]:
    """The composer for a client with an account on each platform."""
    client_id = await scene.client()
    ids = [await scene.account(client_id, platform, f"acme-{platform}") for platform in platforms]
    return await scene.modal(scene.ben, "/post", text), client_id, ids


def shown(scene: Scene) -> str:
    assert scene.ben.modal is not None
    return str(scene.ben.modal.body)


async def test_a_post_for_later_is_queued_and_said_in_both_zones(scene: Scene) -> None:
    view, client_id, ids = await opened(scene, "x")
    due = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0, second=0)
    form = {
        composer_blocks.TEXT: "Fresh *bread* & <more>",
        composer_blocks.WHEN: composer_blocks.LATER,
        **wall(due),
    }
    await scene.ben.submit(view, {composer_blocks.accounts_block(client_id): ids, **form})
    (post,) = await scene.all(Post)
    assert (post.text, post.due_at, post.author) == ("Fresh *bread* & <more>", due, scene.ben.user.id)
    assert post.channel_id == scene.team.id
    (delivery,) = await scene.all(Delivery)
    assert (delivery.state, delivery.next_at) == ("scheduled", due)
    assert "Queued for `client-a`: 1 account, " in shown(scene)
    assert "(Europe/Berlin; " in shown(scene) and " for you)" in shown(scene)
    assert scene.house.wake.engine.is_set()


async def test_a_post_for_now_goes_out_at_once(scene: Scene) -> None:
    view, client_id, ids = await opened(scene, "x")
    assert composer_blocks.accounts_block(client_id) in str(view.body)
    await scene.ben.submit(view, {composer_blocks.TEXT: "Hello"})
    (post,) = await scene.all(Post)
    assert abs(post.due_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert "going out now" in shown(scene) and ids


async def test_problems_stand_beside_their_fields_and_nothing_is_queued(scene: Scene) -> None:
    view, client_id, ids = await opened(scene, "x", "instagram")
    accounts = composer_blocks.accounts_block(client_id)
    seen = await scene.ben.submit(view, {accounts: ids})
    assert set(seen.errors) == {composer_blocks.TEXT}
    seen = await scene.ben.submit(view, {accounts: ids, composer_blocks.TEXT: "x" * 281})
    files = next(key for key in seen.errors if key.startswith(f"{composer_blocks.FILES}:"))
    assert "280" in seen.errors[composer_blocks.TEXT] and "picture" in seen.errors[files]
    past = datetime.now(UTC) - timedelta(hours=1)
    late = {composer_blocks.TEXT: "x", composer_blocks.WHEN: composer_blocks.LATER, **wall(past)}
    seen = await scene.ben.submit(view, {accounts: ids[:1], **late})
    assert set(seen.errors) == {composer_blocks.AT.time} and "past" in seen.errors[composer_blocks.AT.time]
    far = late | wall(datetime(9999, 12, 31, 12, tzinfo=UTC))
    seen = await scene.ben.submit(view, {accounts: ids[:1], **far})
    assert "more than a hundred years" in seen.errors[composer_blocks.AT.day]
    now = {composer_blocks.WHEN: composer_blocks.NOW, composer_blocks.MEDIA: "http://media.example/bread.jpg"}
    seen = await scene.ben.submit(view, now)
    assert "https://" in seen.errors[composer_blocks.MEDIA]
    assert await scene.all(Post) == []


async def test_a_second_submit_is_the_same_post(scene: Scene) -> None:
    view, client_id, ids = await opened(scene, "x")
    scene.ben.fill(view, {composer_blocks.accounts_block(client_id): ids, composer_blocks.TEXT: "Once"})
    payload = view_submission(scene.world, scene.ben.user, view, [])
    answers = await asyncio.gather(*(deliver(scene.world, "interactive", payload) for _ in range(10)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body for answer in answers}) == 1 and "Queued" in answers[0].body
    assert len(await scene.all(Post)) == len(await scene.all(Delivery)) == 1
    assert len(await scene.all(AuditEvent, AuditEvent.action == "post.queued")) == 1


async def test_a_link_is_fetched_after_the_window_says_so(scene: Scene) -> None:
    view, client_id, ids = await opened(scene, "instagram")
    seen = await scene.ben.submit(
        view,
        {
            composer_blocks.accounts_block(client_id): ids,
            composer_blocks.TEXT: "Bread",
            composer_blocks.MEDIA: PICTURE,
        },
    )
    assert "Nothing is queued yet" in seen.delivered.body  # type: ignore[union-attr]
    await scene.calm()
    (post,) = await scene.all(Post)
    (medium,) = post.media
    assert (medium["url"], medium["mime"], medium["kind"]) == (None, "image/jpeg", "image")
    (kept,) = await scene.all(StoredMedia)
    assert medium["id"] == kept.id, "the link may die now"
    assert (medium["width"], medium["height"], medium["size"]) == (1080, 1080, len(jpeg()))
    assert "Queued for `client-a`" in shown(scene) and scene.files.fetched == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "leads to no file"),
        (b"<html>a page</html>", "does not lead to a picture"),
        (PNG, "JPEG only"),
        (jpeg(3000, 500), "4:5"),
    ],
)
async def test_a_bad_file_brings_the_composer_back_as_it_was(
    scene: Scene, data: bytes | None, said: str
) -> None:
    view, client_id, ids = await opened(scene, "instagram")
    scene.files.served = {"bread.jpg": data} if data is not None else {}
    accounts = composer_blocks.accounts_block(client_id)
    await scene.ben.submit(
        view, {accounts: ids, composer_blocks.TEXT: "Bread", composer_blocks.MEDIA: PICTURE}
    )
    await scene.calm()
    assert said in shown(scene) and await scene.all(Post) == []
    assert scene.ben.modal is not None and scene.ben.modal.id == view.id
    scene.files.served = {"bread.jpg": jpeg()}
    await scene.ben.submit(scene.ben.modal)
    await scene.calm()
    (post,) = await scene.all(Post)
    assert post.text == "Bread" and "Queued" in shown(scene), "what was written is still there"


async def test_a_closed_window_is_told_in_the_channel(scene: Scene) -> None:
    view, client_id, ids = await opened(scene, "instagram")
    hold = asyncio.Event()
    answer = scene.files.answer

    async def slowly(request: Any) -> Any:
        await hold.wait()
        return await answer(request)

    scene.files.answer = slowly  # type: ignore[method-assign]
    form = {composer_blocks.accounts_block(client_id): ids, composer_blocks.MEDIA: PICTURE}
    await scene.ben.submit(view, form)
    assert scene.ben.modal is not None
    await scene.ben.close(scene.ben.modal)
    hold.set()
    await scene.calm()
    said = scene.last(scene.ben)
    assert "Queued for" in said.text and said.ephemeral_to == scene.ben.user.id


async def test_another_client_brings_his_accounts_and_keeps_the_text(scene: Scene) -> None:
    view, _, _ = await opened(scene, "x")
    other = await scene.client("bakery", scene.channel("bakery", scene.ben))
    account = await scene.account(other, "x", "bread", problem="suspended")
    scene.ben.fill(view, {composer_blocks.TEXT: "Kept"})
    (offered,) = await scene.ben.suggest(view, composer_blocks.CLIENT, "bak")
    assert offered["value"] == other
    await scene.ben.press(view, composer_blocks.CLIENT, chosen=offered)
    await scene.calm()
    assert "@bread on X" in shown(scene) and "@acme-x" not in shown(scene)
    assert "posts wait until it is put right" in shown(scene)
    await scene.ben.submit(view, {composer_blocks.accounts_block(other): [account]})
    (post,) = await scene.all(Post)
    assert (post.client_id, post.text) == (other, "Kept")


async def test_the_client_menu_holds_all_who_fit(scene: Scene) -> None:
    view, _, _ = await opened(scene, "x")
    for number in range(120):
        await scene.client(f"shop-{number:03}", scene.operations)
    assert len(await scene.ben.suggest(view, composer_blocks.CLIENT)) == 100
    assert [
        item["text"]["text"] for item in await scene.ben.suggest(view, composer_blocks.CLIENT, "SHOP-119")
    ] == ["shop-119 · Shop-119"]
    assert await scene.ben.suggest(view, composer_blocks.CLIENT, "nobody") == []


async def test_a_client_without_accounts_cannot_be_posted_for(scene: Scene) -> None:
    view, _, _ = await opened(scene)
    assert "has no accounts yet" in str(view.body) and "submit" not in view.body


async def test_more_than_ten_accounts(scene: Scene) -> None:
    client_id = await scene.client()
    ids = [await scene.account(client_id, "x", f"acme{number}") for number in range(12)]
    view = await scene.modal(scene.ben, "/post")
    await scene.ben.submit(
        view, {composer_blocks.accounts_block(client_id): ids, composer_blocks.TEXT: "All"}
    )
    assert "get the same text in the same minute" in shown(scene) and await scene.all(Delivery) == []
    await scene.ben.submit(view)
    assert len(await scene.all(Delivery)) == 12 and "12 accounts" in shown(scene)


async def test_an_account_that_went_away_meanwhile(scene: Scene) -> None:
    view, client_id, ids = await opened(scene, "x")
    await scene.set(Client, client_id, closed_at=scene.house.clock.now())
    accounts = composer_blocks.accounts_block(client_id)
    seen = await scene.ben.submit(view, {accounts: ids, composer_blocks.TEXT: "Hello"})
    assert "does not exist any more" in seen.errors[accounts]
    assert await scene.all(Post) == []


async def test_forged_ids_of_another_workspace_are_refused(scene: Scene) -> None:
    theirs = await scene.other_workspace()
    foreign = await scene.client("foreign", workspace_id=theirs)
    account = await scene.account(foreign, "x")
    view, client_id, ids = await opened(scene, "x")
    scene.ben.fill(view, {composer_blocks.accounts_block(client_id): ids, composer_blocks.TEXT: "Mine"})
    payload = view_submission(scene.world, scene.ben.user, view, [])
    state = payload["view"]["state"]["values"]
    chosen = state[composer_blocks.accounts_block(client_id)][composer_blocks.accounts_block(client_id)]
    chosen["selected_options"][0]["value"] = account
    answer = await deliver(scene.world, "interactive", payload)
    assert "no longer connected" in answer.body
    payload["view"]["private_metadata"] = f'{{"client": "{foreign}", "channel": null}}'
    state[composer_blocks.accounts_block(foreign)] = {composer_blocks.accounts_block(foreign): chosen}
    answer = await deliver(scene.world, "interactive", payload)
    assert "does not exist any more" in answer.body
    assert await scene.all(Post) == []


async def test_a_guest_who_forges_a_submit_is_refused(scene: Scene) -> None:
    view, client_id, ids = await opened(scene, "x")
    scene.ben.fill(view, {composer_blocks.accounts_block(client_id): ids, composer_blocks.TEXT: "Mine"})
    payload = view_submission(scene.world, scene.guest.user, view, [])
    answer = await deliver(scene.world, "interactive", payload)
    assert answer.status == 200 and "Only members" in answer.body
    assert await scene.all(Post) == []


async def test_what_slack_made_harmless_is_written_as_it_was_typed(scene: Scene) -> None:
    view, client_id, ids = await opened(scene, "x")
    text = "Bread &amp; butter &lt;3"
    await scene.ben.submit(view, {composer_blocks.accounts_block(client_id): ids, composer_blocks.TEXT: text})
    (post,) = await scene.all(Post)
    assert post.text == "Bread & butter <3"


async def test_an_unknown_client_is_named(scene: Scene) -> None:
    await scene.client()
    answer = await scene.answer(scene.ben, "/post", "client-b")
    assert "Did you mean `client-a`" in answer.text and scene.ben.modal is None


@pytest.mark.parametrize(
    ("head", "mime", "size"),
    [
        (jpeg(1200, 800), "image/jpeg", (1200, 800)),
        (PNG, "image/png", (640, 480)),
        (b"GIF89a" + (10).to_bytes(2, "little") + (20).to_bytes(2, "little"), "image/gif", (10, 20)),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp", (None, None)),
        (b"\x00\x00\x00\x18ftypisom", "video/mp4", (None, None)),
        (b"\x00\x00\x00\x14ftypqt  ", "video/quicktime", (None, None)),
        (b"\xff\xd8\xff", "image/jpeg", (None, None)),
    ],
)
def test_files_are_known_by_their_bytes(head: bytes, mime: str, size: tuple[int, int]) -> None:
    looks = sniff(head)
    assert looks is not None and (looks.mime, (looks.width, looks.height)) == (mime, size)
    assert (looks.kind is MediaKind.VIDEO) == mime.startswith("video/")


@pytest.mark.parametrize("head", [b"", b"%PDF-1.7", b"<svg>", b"\x00\x00\x00\x18ftypheic", b"\xff\xd8"])
def test_other_files_are_not_taken(head: bytes) -> None:
    assert sniff(head) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://media.example/a.jpg",
        "https://",
        "https:///a.jpg",
        "https://user:word@media.example/a.jpg",
        "https://media.example/a b.jpg",
        "https://[broken",
        "ftp://media.example/a.jpg",
        "https://media.example/" + "a" * 2000,
    ],
)
def test_addresses_that_cannot_be_media(url: str) -> None:
    assert link_problem(url)
    assert link_problem(PICTURE) is None


async def test_addresses_inside_are_not_fetched() -> None:
    async with OpenHttp() as files:
        with pytest.raises(Refused, match="public"):
            await look_at_link(files, "https://127.0.0.1/a.jpg")
    assert MOST_BYTES >= 300_000_000
