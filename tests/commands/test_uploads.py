"""Files from Slack in the composer, “Make a post of this”, and titles."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from bot.commands import drafting
from bot.commands import media as uploads
from bot.domain.content import content_of
from bot.messages import actions, composer_blocks
from bot.platforms.registry import build_platforms
from bot.settings import load_settings
from bot.slack.files import FileForbidden, FileTooLarge
from sandbox.platforms.testing import jpeg
from storage.models import Client, MediaUse, Post, StoredMedia
from tests.commands.scene import PICTURE, Scene

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big")
FILM = b"\x00\x00\x00\x18ftypisom" + bytes(500)


async def opened(scene: Scene, *platforms: str) -> tuple[Any, dict[str, Any]]:
    """The composer for a client with an account on each platform; all of them chosen."""
    client_id = await scene.client()
    ids = [await scene.account(client_id, platform, f"acme-{platform}") for platform in platforms]
    view = await scene.modal(scene.ben, "/post")
    return view, {composer_blocks.accounts_block(client_id): ids}


def block(view: Any, start: str) -> Any:
    """The one block of the composer whose name starts so; None where there is none."""
    body = view.body if hasattr(view, "body") else view
    found = [item for item in body["blocks"] if item["block_id"].partition(":")[0] == start]
    return found[0] if found else None


def files(view: Any) -> str:
    return str(block(view, composer_blocks.FILES)["block_id"])


def upload(scene: Scene, name: str = "bread.jpg", data: bytes | None = None, kind: str = "image/jpeg") -> str:
    return scene.ben.upload(name, jpeg() if data is None else data, kind).id


def shown(scene: Scene) -> str:
    assert scene.ben.modal is not None
    return str(scene.ben.modal.body)


async def test_a_file_is_stored_and_goes_with_the_post(scene: Scene) -> None:
    view, form = await opened(scene, "instagram")
    form |= {composer_blocks.TEXT: "Bread", files(view): [upload(scene)]}
    seen = await scene.ben.submit(view, form)
    assert "Nothing is queued yet" in seen.delivered.body  # type: ignore[union-attr]
    await scene.calm()
    assert "Queued for `client-a`" in shown(scene)
    (post,) = await scene.all(Post)
    (row,) = await scene.all(StoredMedia)
    (medium,) = post.media
    assert (medium["id"], medium["url"], medium["mime"]) == (row.id, None, "image/jpeg")
    assert (medium["width"], medium["height"], medium["size"]) == (1080, 1080, len(jpeg()))
    assert await scene.house.shelf.store.read(row.id, 0, len(jpeg())) == jpeg()
    assert [(use.media_id, use.post_id) for use in await scene.all(MediaUse)] == [(row.id, post.id)]
    (offered,) = content_of(scene.house, post).media
    assert offered.url.startswith("http://127.0.0.1:3000/media/") and "files.slack.com" not in str(post.media)


async def test_files_come_before_the_link_and_each_once(scene: Scene) -> None:
    view, form = await opened(scene, "instagram")
    one, two = upload(scene), upload(scene, "cake.jpg", jpeg(1000, 1000))
    await scene.ben.submit(view, form | {files(view): [one, two], composer_blocks.MEDIA: PICTURE})
    await scene.calm()
    (post,) = await scene.all(Post)
    assert [item["width"] for item in post.media] == [1080, 1000, 1080]
    assert [item["url"] for item in post.media] == [None, None, None], "all of them are kept"


async def test_what_a_file_is_stands_in_its_bytes(scene: Scene) -> None:
    view, form = await opened(scene, "instagram")
    await scene.ben.submit(view, form | {files(view): [upload(scene, "bread.jpg", PNG)]})
    await scene.calm()
    assert "JPEG only" in shown(scene) and await scene.all(Post) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<html>a page</html>", "bread.jpg is not a picture or film"),
        (b"", "bread.jpg is not a picture or film"),
        (jpeg(3000, 500), "4:5"),
    ],
)
async def test_a_bad_file_comes_back_ticked_and_can_be_left_out(scene: Scene, data: bytes, said: str) -> None:
    view, form = await opened(scene, "instagram")
    first = files(view)
    form |= {composer_blocks.TEXT: "Bread", first: [upload(scene, data=data)]}
    await scene.ben.submit(view, form)
    await scene.calm()
    assert said in shown(scene) and await scene.all(Post) == []
    again = scene.ben.modal
    assert again is not None
    kept = block(again, composer_blocks.KEPT)
    assert [item["text"]["text"] for item in kept["element"]["initial_options"]] == ["bread.jpg"]
    assert files(again) != first, "what was uploaded is not uploaded a second time"
    better = {kept["block_id"]: [], files(again): [upload(scene, "better.jpg")]}
    await scene.ben.submit(again, better)
    await scene.calm()
    (post,) = await scene.all(Post)
    assert post.text == "Bread" and [item["width"] for item in post.media] == [1080]


async def test_every_bad_file_is_named_at_the_field_of_the_files(scene: Scene) -> None:
    view, form = await opened(scene, "instagram")
    bad = [upload(scene, name, b"<html>a page</html>") for name in ("one.jpg", "two.jpg")]
    scene.files.served = {}
    form |= {composer_blocks.TEXT: "Bread", files(view): [upload(scene), *bad]}
    await scene.ben.submit(view, form | {composer_blocks.MEDIA: PICTURE})
    await scene.calm()
    assert scene.ben.modal is not None
    blocks = cast("list[dict[str, Any]]", scene.ben.modal.body["blocks"])
    named = {str(item.get("block_id")).partition(":")[0]: at for at, item in enumerate(blocks)}
    above_files = str(blocks[named[composer_blocks.KEPT] - 1])
    assert "one.jpg is not a picture" in above_files and "two.jpg is not a picture" in above_files
    assert "leads to no file" in str(blocks[named[composer_blocks.MEDIA] - 1])
    assert "one.jpg" not in str(blocks[0]) and await scene.all(Post) == []


async def test_without_the_permission_slacks_sign_in_page_is_known(scene: Scene) -> None:
    view, form = await opened(scene, "instagram")
    scene.world.installs[scene.team_id].scopes.discard("files:read")
    await scene.ben.submit(view, form | {files(view): [upload(scene)]})
    await scene.calm()
    assert "Slack does not let me read bread.jpg" in shown(scene) and await scene.all(StoredMedia) == []


async def test_slacks_own_sign_in_page_is_no_picture(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    view, form = await opened(scene, "instagram")
    file = scene.world.files[upload(scene)]
    found = await scene.desk.gateway.file(scene.workspace_id, file.id)

    async def told(*_: object) -> object:
        scene.world.installs[scene.team_id].scopes.discard("files:read")  # between the two calls
        return found

    monkeypatch.setattr(type(scene.desk.gateway), "file", told)
    await scene.ben.submit(view, form | {files(view): [file.id]})
    await scene.calm()
    assert "Slack does not let me read bread.jpg" in shown(scene)


async def test_the_token_goes_to_slacks_files_only(scene: Scene, tmp_path: Path) -> None:
    file = await scene.desk.gateway.file(scene.workspace_id, upload(scene))
    hosts = ("https://files.slack.com.evil.example", "https://x@files.slack.com", "http://files.slack.com")
    for url in hosts:
        stray = type(file)(file.id, file.name, file.size, url)
        with pytest.raises(FileForbidden):
            await scene.desk.gateway.download(
                scene.workspace_id, stray, tmp_path / "file", max_bytes=10, deadline=2.0
            )
    assert not (tmp_path / "file").exists()


async def test_a_file_that_is_larger_than_it_said(scene: Scene, tmp_path: Path) -> None:
    file = await scene.desk.gateway.file(scene.workspace_id, upload(scene))
    with pytest.raises(FileTooLarge):
        await scene.desk.gateway.download(
            scene.workspace_id, file, tmp_path / "file", max_bytes=10, deadline=2.0
        )


async def test_too_large_is_said_before_it_is_fetched(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 10)
    view, form = await opened(scene, "instagram")
    await scene.ben.submit(view, form | {files(view): [upload(scene)]})
    await scene.calm()
    assert "bread.jpg is larger than" in shown(scene)


async def test_a_file_that_the_bot_cannot_see(scene: Scene) -> None:
    view, form = await opened(scene, "instagram")
    file_id = upload(scene)
    elsewhere = scene.channel("elsewhere", scene.ben, bot=False)
    scene.world.files[file_id].channels.add(elsewhere.id)
    await scene.ben.submit(view, form | {files(view): [file_id]})
    await scene.calm()
    assert "I cannot see bread.jpg. Invite me" in shown(scene)


async def test_what_is_wrong_whatever_the_file_is_stands_beside_its_field_at_once(scene: Scene) -> None:
    view, form = await opened(scene, "instagram", "x")
    form |= {composer_blocks.TEXT: "x" * 281, files(view): [upload(scene)]}
    await scene.ben.submit(view, form)
    assert "This is 281 characters as X counts them" in shown(scene) and "Text for X" in shown(scene)
    assert await scene.all(StoredMedia) == [] and await scene.all(Post) == []


async def test_another_client_keeps_what_was_attached(scene: Scene) -> None:
    client_id = await scene.client()
    await scene.account(client_id, "instagram")
    other = await scene.client("bakery", scene.channel("bakery", scene.ben))
    await scene.account(other, "instagram", "bread")
    said = scene.ben.say(scene.team.id, "Look", files=(upload(scene),))
    view = await drafted(scene, said)
    (offered,) = await scene.ben.suggest(view, composer_blocks.CLIENT, "bak")
    await scene.ben.press(view, composer_blocks.CLIENT, chosen=offered)
    await scene.calm()
    assert (
        block(scene.ben.modal, composer_blocks.KEPT)["element"]["options"][0]["text"]["text"] == "bread.jpg"
    )


# -- “Make a post of this” -------------------------------------------------------------------------


async def drafted(scene: Scene, said: Any) -> Any:
    await scene.ben.message_shortcut(actions.MAKE_POST, said)
    await scene.calm()
    return scene.ben.modal


async def test_a_message_with_its_files_becomes_a_draft(scene: Scene) -> None:
    client_id = await scene.client()
    await scene.account(client_id, "instagram")
    plan = upload(scene, "plan.pdf", b"%PDF", "application/pdf")
    ids = (upload(scene), upload(scene, "cake.jpg", jpeg(1000, 1000)), plan)
    text = "Fresh &amp; warm, <@U123> see <https://bakery.example/a|our page>!"
    view = await drafted(scene, scene.ben.say(scene.team.id, text, files=ids))
    assert "Fresh & warm,  see our page (https://bakery.example/a)!" in str(view.body)
    assert "plan.pdf is left out" in str(view.body)
    assert await scene.all(StoredMedia) == [], "nothing is fetched before it is submitted"
    await scene.ben.submit(view)
    await scene.calm()
    (post,) = await scene.all(Post)
    assert [item["width"] for item in post.media] == [1080, 1000] and post.text.startswith("Fresh & warm")
    assert "Queued for" in shown(scene)


async def test_a_text_alone_becomes_a_draft(scene: Scene) -> None:
    client_id = await scene.client()
    await scene.account(client_id, "x")
    view = await drafted(scene, scene.ben.say(scene.team.id, "Open late"))
    assert block(view, composer_blocks.KEPT) is None
    await scene.ben.submit(view)
    (post,) = await scene.all(Post)
    assert (post.text, post.media) == ("Open late", [])


async def test_a_draft_stays_until_a_client_with_accounts_is_chosen(scene: Scene) -> None:
    """Made in a channel of several clients, and of one without accounts first."""
    for slug, platform in (("client-a", "instagram"), ("bakery", "instagram")):
        await scene.account(await scene.client(slug), platform, slug)
    without = await scene.client("cafe")
    long = "Open late " + "o" * 3000
    view = await drafted(scene, scene.ben.say(scene.team.id, long, files=(upload(scene),)))
    assert "has 3,010 characters; only the first 3,000 are here" in str(view.body)
    await scene.ben.submit(view)
    assert "Choose a client first" in shown(scene)
    for typed in ("caf", "bak"):
        assert "Open late" in shown(scene) and "bread.jpg" in shown(scene)
        (offered,) = await scene.ben.suggest(view, composer_blocks.CLIENT, typed)
        await scene.ben.press(view, composer_blocks.CLIENT, chosen=offered)
        await scene.calm()
        if typed == "caf":
            await scene.ben.submit(view)
            assert "has no accounts yet" in shown(scene) and await scene.all(Post) == []
            await scene.set(Client, without, closed_at=scene.house.clock.now())
            await scene.ben.submit(view)
            assert "That client does not exist any more" in shown(scene)
    await scene.ben.submit(view, {composer_blocks.TEXT: "Open late"})
    await scene.calm()
    (post,) = await scene.all(Post)
    assert post.text == "Open late" and len(post.media) == 1


async def test_an_account_that_is_linked_meanwhile_can_be_chosen(scene: Scene) -> None:
    client_id = await scene.client()
    view = await drafted(scene, scene.ben.say(scene.team.id, "Open late"))
    assert "has no accounts yet" in shown(scene)
    await scene.account(client_id, "x", "acme")
    seen = await scene.ben.submit(view)
    assert not seen.errors and "@acme on X" in shown(scene) and await scene.all(Post) == []
    await scene.ben.submit(view)
    assert [post.text for post in await scene.all(Post)] == ["Open late"]


async def test_a_guest_makes_no_posts(scene: Scene) -> None:
    client_id = await scene.client()
    await scene.account(client_id, "x")
    said = scene.ben.say(scene.team.id, "Open late")
    await scene.guest.message_shortcut(actions.MAKE_POST, said)
    await scene.calm()
    assert scene.guest.modal is None
    answer = scene.last(scene.guest)
    assert answer.ephemeral_to == scene.guest.user.id and "Only members" in answer.text


@pytest.mark.parametrize(
    ("wire", "seen"),
    [
        ("a &lt; b &amp; c", "a < b & c"),
        ("<https://a.example/x>", "https://a.example/x"),
        ("<https://a.example|a.example>", "https://a.example"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("in <#C123|bakery> <!here>", "in #bakery"),
        ("<@U1|ada> *bold* :bread:", "*bold* :bread:"),
        ("1 &lt;2&gt; 3", "1 <2> 3"),
    ],
)
def test_slacks_marks_are_taken_out(wire: str, seen: str) -> None:
    assert drafting.plain_text(wire) == seen


def test_more_files_than_a_post_takes_are_named() -> None:
    items = [{"id": f"F{n}", "name": f"{n}.jpg", "mimetype": "image/jpeg"} for n in range(12)]
    items.append({"id": "F99", "name": "gone.jpg", "mode": "tombstone"})
    items.insert(0, {"id": "F98", "file_access": "check_file_info"})
    taken, said = drafting.files_of({"files": items})
    assert [item.id for item in taken] == ["F98", *(f"F{n}" for n in range(9))]
    assert said.startswith("9.jpg, 10.jpg and 11.jpg are left out") and "gone" not in said


# -- titles ----------------------------------------------------------------------------------------


@pytest.fixture
def with_titles(scene: Scene) -> Scene:
    """The same scene, with YouTube and Pinterest in it."""
    built = build_platforms(load_settings({}, require="none"))
    platforms = cast("dict[str, Any]", scene.house.platforms)
    platforms |= {key: built[key] for key in ("youtube", "pinterest")}
    return scene


async def test_only_where_a_platform_has_one_a_title_is_asked(with_titles: Scene) -> None:
    view, _ = await opened(with_titles, "x")
    assert block(view, composer_blocks.TITLE_FIELD) is None


async def test_a_title_goes_with_the_post(with_titles: Scene) -> None:
    scene = with_titles
    view, form = await opened(scene, "youtube", "pinterest", "x")
    hint = block(view, composer_blocks.TITLE_FIELD)["hint"]["text"]
    assert hint == "For Pinterest (pins) and YouTube (videos); the others do without."
    (accounts,) = form
    youtube = {accounts: form[accounts][:1]}
    film = upload(scene, "loaf.mp4", FILM, "video/mp4")
    values = {
        composer_blocks.TEXT: "How we bake",
        composer_blocks.TITLE_FIELD: "A loaf &amp; more",
        files(view): [film],
    }
    await scene.ben.submit(view, youtube | values)
    await scene.calm()
    (post,) = await scene.all(Post)
    assert post.title == "A loaf & more" and post.media[0]["kind"] == "video"


@pytest.mark.parametrize(
    ("title", "said"), [("x" * 101, "at most 100"), ("A <b>", "YouTube does not take < or >")]
)
async def test_a_wrong_title_is_told_beside_it(with_titles: Scene, title: str, said: str) -> None:
    scene = with_titles
    view, form = await opened(scene, "youtube")
    film = upload(scene, "loaf.mp4", FILM, "video/mp4")
    values = {composer_blocks.TEXT: "How we bake", composer_blocks.TITLE_FIELD: title, files(view): [film]}
    seen = await scene.ben.submit(view, form | values)
    assert (
        set(seen.errors) == {composer_blocks.TITLE_FIELD} and said in seen.errors[composer_blocks.TITLE_FIELD]
    )
    assert await scene.all(Post) == []


async def test_what_was_typed_as_title_comes_back(with_titles: Scene) -> None:
    scene = with_titles
    view, form = await opened(scene, "youtube")
    values = {
        composer_blocks.TEXT: "How",
        composer_blocks.TITLE_FIELD: "A loaf",
        files(view): [upload(scene)],
    }
    await scene.ben.submit(view, form | values)
    await scene.calm()
    again = scene.ben.modal
    assert block(again, composer_blocks.TITLE_FIELD)["element"]["initial_value"] == "A loaf"
