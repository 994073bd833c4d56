"""The addresses that browsers and probes reach."""

from __future__ import annotations

from functools import partial

from starlette.routing import BaseRoute, Route

from bot.domain.house import House
from bot.outbound import Rewriter
from bot.web import connect, consent, media, service, webhooks
from bot.web.door import Door
from bot.web.guard import Guard
from bot.web.pages import STYLE_PATH, Pages
from bot.web.service import Vitals


def web_routes(house: House, *, rewriter: Rewriter, pages: Pages, vitals: Vitals) -> list[BaseRoute]:
    """Invitation, callback, consent, webhook, media and service addresses, bound to one house."""
    door = Door(house, rewriter, pages, Guard(house.public_url))
    return [
        Route("/connect/{token}", partial(connect.show, door), methods=["GET"]),
        Route("/connect/{token}", partial(connect.start, door), methods=["POST"]),
        Route("/connect/{token}/fresh", partial(connect.send_fresh, door), methods=["POST"]),
        Route("/oauth/{platform}/callback", partial(consent.callback, door), methods=["GET"]),
        Route("/refused/{why}", partial(consent.refused, door), methods=["GET"]),
        Route("/consent/{id}", partial(consent.show, door), methods=["GET"]),
        Route("/consent/{id}", partial(consent.answer, door), methods=["POST"]),
        Route("/webhooks/{platform}", partial(webhooks.handshake, door), methods=["GET"]),
        Route("/webhooks/{platform}", partial(webhooks.event, door), methods=["POST"]),
        Route("/webhooks/{platform}/deauthorize", partial(webhooks.deauthorize, door), methods=["POST"]),
        Route("/webhooks/{platform}/deletion", partial(webhooks.deletion, door), methods=["POST"]),
        Route("/deletion/{code}", partial(webhooks.status, door), methods=["GET"]),
        Route("/media/{signed}", partial(media.serve, house), methods=["GET"]),  # and HEAD with it
        Route("/healthz", service.healthz, methods=["GET"]),
        Route("/readyz", partial(service.readyz, vitals), methods=["GET"]),
        Route("/metrics", partial(service.metrics, vitals), methods=["GET"]),
        Route("/robots.txt", service.robots, methods=["GET"]),
        Route(STYLE_PATH, service.style, methods=["GET"]),
    ]
