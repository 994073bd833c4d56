"""All of Slack's addresses under one roof."""

from __future__ import annotations

from starlette.routing import Route

from sandbox.slack.api import WebApi
from sandbox.slack.hooks import PrivateFiles, ResponseUrls
from sandbox.slack.oauth import AuthorizePage
from sandbox.slack.state import SlackWorld


def create_slack_routes(world: SlackWorld) -> list[Route]:
    """The routes `/slack.com/…`, `/hooks.slack.com/…` and `/files.slack.com/…` of one world."""
    return [
        Route("/slack.com/api/{method}", WebApi(world).__call__, methods=["GET", "POST"]),
        Route("/slack.com/oauth/v2/authorize", AuthorizePage(world).__call__, methods=["GET", "POST"]),
        Route("/hooks.slack.com/{kind}/{team_id}/{secret}", ResponseUrls(world).__call__, methods=["POST"]),
        Route("/files.slack.com/files-pri/{file}/{name:path}", PrivateFiles(world).__call__),
    ]
