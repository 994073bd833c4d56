"""Payloads as HTML: Slack's through the demo page's own templates, web pages as they are."""

from __future__ import annotations

from html import escape

from jinja2 import Environment, Template

from bot.messages.message import Message
from bot.web.pages import STYLE
from sandbox.page.routes import HERE, Pages
from sandbox.page.viewing import Window
from sandbox.slack import Person, SlackWorld
from sandbox.slack.blocks import with_ids
from sandbox.slack.models import JSON
from sandbox.slack.models import Message as Posted
from sandbox.slack.views import make_view
from tests.gallery.case import Page, Payload
from tests.messages.message_facts import NOW

CSS = (HERE / "static" / "page.css").read_text("utf-8")
SHEET = """
html, body { height: auto; overflow: visible; display: block; }
body { padding: 8px; }
figure { display: block; width: 720px; margin: 0 0 24px; padding: 8px; background: var(--paper); }
figure.modal-sheet { width: 560px; }
.veil { position: static; display: block; padding: 0; background: none; }
.modal { position: static; max-height: none; width: 100%; margin: 0; }
.modal-inside { max-height: none; overflow: visible; }
.messages { padding: 0; overflow: visible; }
img { background: #e4dfd5; }
"""
MACROS = """
{% import 'blocks.html' as kit with context %}
{% macro context() %}{% endmacro %}
"""
SHAPES = {
    "message": "{% import 'message.html' as kit with context %}{{ kit.message(m, True) }}",
    "modal": MACROS + "{% include 'modal.html' %}",
    "home": MACROS + "{% include 'home.html' %}",
}


class Stage:
    """A workspace with the people and channels that the facts name, for whoever looks at a payload."""

    def __init__(self) -> None:
        world = SlackWorld(clock=NOW.timestamp)
        team = world.add_team("wonder", "Wonder Agency").id
        self.bot = world.install(team).bot_user_id
        world.users[self.bot].real_name = "Lamplighter"
        for user, name in {"U0ADA": "Ada Lovelace", "U0BOB": "Bob Hope"}.items():
            world.add_user(team, name.split()[0].lower(), id=user, real_name=name, tz="Europe/Berlin")
        for channel, name in {"C0TEAM": "acme-team", "C0SHARED": "acme", "C0OPS": "operations"}.items():
            world.add_channel(team, name, "U0ADA", self.bot, channel_id=channel)
        self.world, self.team = world, team
        self.templates: Environment = Pages(world, (), str).templates
        self.shapes: dict[str, Template] = {
            kind: self.templates.from_string(source) for kind, source in SHAPES.items()
        }

    def html(self, payload: Message | JSON) -> tuple[str, str]:
        """What kind of thing it is, and how it looks."""
        person = Person(self.world, "U0ADA")
        channel = self.world.channels["C0TEAM"]
        if isinstance(payload, Message):
            blocks = with_ids([dict(block) for block in payload.blocks])
            stamp = f"{NOW.timestamp():.6f}"
            posted = Posted(channel.id, stamp, self.bot, payload.text, blocks, self.team, "B0LAMP")
            window = Window(self.world, person, channel, "", str)
            return "message", self.shapes["message"].render(w=window, m=posted)
        body: JSON = {**payload, "blocks": with_ids(payload["blocks"])}
        kind = str(body["type"])
        view = make_view(self.world, body, "U0ADA", self.team, None)
        self.world.modals["U0ADA"] = [view] if kind == "modal" else []
        if kind == "home":
            self.world.homes["U0ADA"] = view
        window = Window(self.world, person, None if kind == "home" else channel, "", str)
        return kind, self.shapes[kind].render(w=window)


def sheet(stage: Stage, payloads: dict[str, Payload]) -> str:
    """Slack's payloads below one another, a figure with its number as id for each."""
    figures = []
    for number, payload in enumerate(payloads.values()):
        assert not isinstance(payload, Page)
        kind, html = stage.html(payload if isinstance(payload, Message) else dict(payload))
        figures.append(f'<figure id="f{number}" class="{kind}-sheet">{html}</figure>')
    head = f'<meta charset="utf-8"><style>{CSS}{SHEET}</style>'
    return f"<!doctype html>{head}<body>{''.join(figures)}</body>"


def standalone(page: Page) -> str:
    """A web page with its style inside."""
    style = f"<style>{STYLE.decode()}</style></head>"
    return page.html.replace("</head>", style, 1)


def index(topics: dict[str, dict[str, Payload]], files: dict[str, list[str]]) -> str:
    """All pictures on one page; below a message what people hear who do not see it."""
    parts = []
    for topic, payloads in topics.items():
        parts.append(f'<h2 id="{topic}">{topic}</h2><div class="wall">')
        for name, payload in payloads.items():
            pictures = "".join(
                f'<a href="{escape(file)}"><img loading="lazy" src="{escape(file)}" alt="{escape(name)}"></a>'
                for file in files[name]
            )
            said = payload.text if isinstance(payload, Message) else ""
            heard = f"<details><summary>As text</summary><pre>{escape(said)}</pre></details>" if said else ""
            parts.append(f"<figure><figcaption>{escape(name)}</figcaption>{pictures}{heard}</figure>")
        parts.append("</div>")
    links = " · ".join(f'<a href="#{topic}">{topic}</a>' for topic in topics)
    style = (
        "body{font:15px system-ui;margin:2rem;background:#eee}.wall{columns:30rem;gap:1rem}"
        "figure{break-inside:avoid;margin:0 0 1rem;background:#fff;padding:.5rem}"
        "img{max-width:100%;border:1px solid #ddd}pre{white-space:pre-wrap}figcaption{color:#555}"
    )
    head = f'<meta charset="utf-8"><title>Gallery</title><style>{style}</style>'
    body = f"<h1>Gallery</h1><p>{links}</p>{''.join(parts)}"
    return f'<!doctype html><html lang="en">{head}<body>{body}</body></html>'
