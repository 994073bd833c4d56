"""What each platform refuses, in which words and beside which field of the composer; nothing is queued."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import pytest

from bot.commands import submitting
from bot.messages import composer_blocks
from bot.platforms.registry import build_platforms
from bot.settings import load_settings
from sandbox.platforms.testing import jpeg
from storage.models import Post
from tests.commands.scene import Scene
from tests.films import film

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big")
GIF = b"GIF89a" + (10).to_bytes(2, "little") + (20).to_bytes(2, "little")
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 "
MOV = b"\x00\x00\x00\x14ftypqt  " + bytes(500)
TEXT, FILES, TITLE, LINK, ALT = (
    composer_blocks.TEXT,
    composer_blocks.FILES,
    composer_blocks.TITLE_FIELD,
    composer_blocks.LINK,
    composer_blocks.ALT,
)


@dataclass(frozen=True)
class Row:
    """Something that a platform does not take: the field and the words that say so."""

    field: str
    words: str
    text: str = "Fresh bread"
    files: tuple[bytes, ...] = ()
    title: str = ""
    link: str = ""
    alt: str = ""


SHORT, LONG = film(1, 1080, 1920), film(5000, 1080, 1920)
ROWS: dict[str, tuple[Row, ...]] = {
    "facebook": (
        Row(FILES, "either pictures or one film", files=(jpeg(), film(5, 1080, 1920))),
        Row(FILES, "JPEG or PNG", files=(WEBP,)),
        Row(FILES, "up to 20 minutes", files=(LONG,)),
    ),
    "instagram": (
        Row(TEXT, "Instagram takes at most 2200", "x" * 2201, (jpeg(),)),
        Row(TEXT, "at most 30 hashtags", " ".join(f"#tag{number}x" for number in range(31)), (jpeg(),)),
        Row(FILES, "Instagram needs a picture or a film"),
        Row(FILES, "JPEG only", files=(PNG,)),
        Row(FILES, "between 4:5 (upright) and 1.91:1", files=(jpeg(3000, 500),)),
        Row(FILES, "between 3 seconds and 15 minutes", files=(SHORT,)),
    ),
    "threads": (
        Row(TEXT, "501 characters as Threads counts them; the most is 500", "x" * 501),
        Row(FILES, "up to 10:1", files=(jpeg(3000, 200),)),
        Row(FILES, "up to 5 minutes", files=(film(301, 1080, 1920),)),
        Row(FILES, "JPEG or PNG", files=(WEBP,)),
    ),
    "x": (
        Row(TEXT, "281 characters as X counts them; the most is 280", "x" * 281),
        Row(TEXT, "282 characters as X counts them", "日" * 141),
        Row(TEXT, "304 characters as X counts them", "x" * 280, link="https://a.example/" + "b" * 400),
        Row(TEXT, "one stock symbol", "$ABC or $DEF"),
        Row(FILES, "at most 4 pictures; here are 5", files=(jpeg(),) * 5),
        Row(FILES, "one film alone", files=(jpeg(), film(5, 1080, 1920))),
        Row(FILES, "X takes films as MP4 only", files=(MOV,)),
        Row(FILES, "too narrow or too wide for X", files=(film(5, 400, 1920),)),
    ),
    "tiktok": (
        Row(FILES, "TikTok needs a film or pictures"),
        Row(FILES, "one film, or pictures, not both", files=(jpeg(), film(5, 1080, 1920))),
        Row(FILES, "JPEG or WebP only", files=(PNG,)),
        Row(FILES, "1080 pixels on the shorter side", files=(jpeg(2000, 2000),)),
        Row(FILES, "up to 10 minutes", files=(LONG,)),
        Row(TEXT, "2201 characters as TikTok counts them", "x" * 2201, (film(5, 1080, 1920),)),
        Row(TITLE, "the most is 90", files=(jpeg(),), title="x" * 91),
    ),
    "youtube": (
        Row(FILES, "YouTube takes exactly one film, and no pictures", files=(jpeg(),)),
        Row(FILES, "YouTube takes exactly one film", title="How we bake"),
        Row(TITLE, "A video on YouTube needs a title", "", (film(5),)),
        Row(TITLE, "YouTube takes at most 100", files=(film(5),), title="x" * 101),
        Row(TITLE, "does not take < or >", files=(film(5),), title="I <3 bread"),
        Row(TEXT, "does not take < or > in the description", "I <3 bread", (film(5),), "Bread"),
        Row(TEXT, "bytes as YouTube counts them", "日" * 1700, (film(5),), "Bread"),
    ),
    "linkedin": (
        Row(TEXT, "as LinkedIn counts marks and hashtags; the most is 3000", "(x)" * 800),
        Row(FILES, "JPEG, PNG or GIF only", files=(WEBP,)),
        Row(FILES, "films as MP4 only", files=(MOV,)),
        Row(FILES, "between 3 seconds and 30 minutes", files=(SHORT,)),
        Row(FILES, "one film, or pictures, not both", files=(jpeg(), film(5, 1080, 1920))),
        Row(FILES, "up to 36 megapixels", files=(jpeg(7000, 7000),)),
    ),
    "linkedin_pages": (Row(TEXT, "the most is 3000", "(x)" * 800),),
    "pinterest": (
        Row(FILES, "Pinterest needs a picture or a film"),
        Row(TEXT, "Pinterest takes at most 800", "x" * 801, (jpeg(),)),
        Row(TITLE, "Pinterest takes at most 100", files=(jpeg(),), title="x" * 101),
        Row(LINK, "Pinterest takes at most 2048", files=(jpeg(),), link="https://a.example/" + "b" * 2048),
        Row(ALT, "Pinterest takes at most 500", files=(jpeg(),), alt="x" * 501),
        Row(FILES, "all have to have the same size", files=(jpeg(), jpeg(900, 900))),
        Row(FILES, "JPEG or PNG only", files=(GIF,)),
        Row(FILES, "between 4 seconds and 15 minutes", files=(SHORT,)),
    ),
}


@pytest.mark.parametrize("platform", ROWS)
async def test_what_a_platform_refuses_stands_beside_its_field(
    scene: Scene, platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submitting, "OVERTAKEN_SECONDS", 0.0)
    cast("dict[str, Any]", scene.house.platforms).update(build_platforms(load_settings({}, require="none")))
    client_id = await scene.client()
    ids = [await scene.account(client_id, platform)]
    for row in ROWS[platform]:
        view = await scene.modal(scene.ben, "/post")
        said = await refused(scene, view, row, {composer_blocks.accounts_block(client_id): ids})
        assert row.words in said.get(row.field, ""), (row, said)
        assert len(said) == 1, (row, said)
        await scene.ben.close(view)
    assert await scene.all(Post) == []


async def refused(scene: Scene, view: Any, row: Row, form: dict[str, Any]) -> dict[str, str]:
    """What is said beside which field: at once, or above it when the files were looked at."""
    place = next(block["block_id"] for block in view.body["blocks"] if block["block_id"].startswith(FILES))
    files = [scene.ben.upload(f"file{number}", data, "").id for number, data in enumerate(row.files)]
    form |= {TEXT: row.text, LINK: row.link, ALT: row.alt, place: files}
    if any(block["block_id"] == TITLE for block in view.body["blocks"]):
        form |= {TITLE: row.title}
    seen = await scene.ben.submit(view, form)
    await scene.calm()
    if seen.errors:
        return {key.partition(":")[0]: words for key, words in seen.errors.items()}
    blocks = view.body["blocks"]
    found = {}
    for said, below in pairwise(blocks):
        words = str((said.get("text") or {}).get("text", ""))
        if words.startswith("⚠️"):
            name = below["block_id"].partition(":")[0]
            found[FILES if name == composer_blocks.KEPT else name] = words.replace("&lt;", "<").replace(
                "&gt;", ">"
            )
    return found
