"""A panel with Slack's own troubles: outages of its API, deliveries that stop, the app being removed."""

from __future__ import annotations

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.page.panels import Panel
from sandbox.slack import life
from sandbox.slack.faults import Outage
from sandbox.slack.state import SlackWorld

PATH = "/page/slack-faults"
WORDS = {
    Outage.DOWN: "Slack drops every connection",
    Outage.UNAVAILABLE: "Slack answers 503",
    Outage.INTERNAL_ERROR: "Slack answers internal_error",
    Outage.RATE_LIMITED: "Slack says: too many requests",
    Outage.LOST_ANSWER: "Slack does it, but the answer is lost",
}


def slack_panel(world: SlackWorld) -> Panel:
    """The panel; its forms go to `create_slack_panel_routes`."""

    def render() -> Markup:
        faults = world.faults
        active = [WORDS[fault.outage] for fault in faults.active]
        active += ["Slack reaches the bot no more"] if faults.delivery_down else []
        options = Markup("").join(
            Markup("<option value='{}'>{}</option>").format(outage.value, words)
            for outage, words in WORDS.items()
        )
        return Markup(
            "<p>{state}</p><form method='post' action='{path}'>"
            "<label>Outage <select name='outage'>{options}</select></label>"
            "<button name='what' value='outage'>Start</button>"
            "<button name='what' value='delivery'>Stop deliveries</button>"
            "<button name='what' value='clear'>All well again</button>"
            "<label>Workspace <select name='team'>{teams}</select></label>"
            "<button name='what' value='uninstall' class='danger'>Remove the app there</button></form>"
            "<p><a href='{bot}/slack/install'>Install the app in a workspace</a></p>"
        ).format(
            state="; ".join(active) or "Slack works.",
            path=PATH,
            options=options,
            teams=_installed(world),
            bot=world.bot_url,
        )

    return Panel("slack", "Slack itself", render)


def _installed(world: SlackWorld) -> Markup:
    """The workspaces that have the app, to choose from."""
    there = [world.teams[one.team_id] for one in world.installs.values() if not one.revoked]
    option = Markup("<option value='{}'>{}</option>")
    return Markup("").join(option.format(team.id, team.name) for team in there)


def create_slack_panel_routes(world: SlackWorld) -> list[Route]:
    """Where the panel's buttons post to."""

    async def act(request: Request) -> Response:
        form = await request.form()
        what = form.get("what")
        if what == "outage":
            world.faults.add(Outage(str(form.get("outage"))))
        elif what == "delivery":
            world.faults.delivery_down = True
        elif what == "clear":
            world.faults.clear()
        team_id = str(form.get("team") or "")
        if what == "uninstall" and team_id in world.installs:
            life.uninstall(world, team_id)
        world.bump()
        return RedirectResponse("/", 303)

    return [Route(PATH, act, methods=["POST"])]
