from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.agency import found
from sandbox.server import Sandbox


@pytest.fixture
async def browser() -> AsyncIterator[tuple[Sandbox, httpx.AsyncClient]]:
    """A sandbox with its agency, and somebody who looks at it."""
    sandbox = Sandbox("http://sandbox", "http://bot")
    found(sandbox)
    transport = httpx.ASGITransport(sandbox.application())
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
        yield sandbox, http


async def test_a_post_can_be_looked_at_where_its_permalink_leads(
    browser: tuple[Sandbox, httpx.AsyncClient],
) -> None:
    sandbox, http = browser
    world, account = sandbox.platforms, sandbox.platforms.accounts["youtube", "UCbakery"]
    for number, address in enumerate(("https://www.youtube.com/watch?v=1", "https://x.com/bakery/status/2")):
        world.add_post(account, str(number), "Fresh <b>", shown="", media=(), permalink=address)
        page = await http.get(sandbox.rewritten(address))
        assert page.status_code == 200 and "Fresh &lt;b&gt;" in page.text and "Corner Bakery" in page.text
    assert (await http.get(sandbox.rewritten("https://www.youtube.com/watch?v=3"))).status_code == 404
    world.delete_post("youtube", "1", by="user")
    assert (await http.get(sandbox.rewritten("https://x.com/bakery/status/2"))).status_code == 404


async def test_an_account_has_a_face(browser: tuple[Sandbox, httpx.AsyncClient]) -> None:
    sandbox, http = browser
    face = await http.get(sandbox.rewritten("https://graph.facebook.com/200000000000001/picture"))
    assert face.headers["content-type"] == "image/svg+xml"
