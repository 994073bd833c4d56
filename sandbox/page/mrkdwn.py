"""Slack's mrkdwn as HTML for one reader (facts: Slack, section 1.3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

from markupsafe import Markup

from sandbox.page.emoji import with_dots, with_emoji
from sandbox.slack.models import User
from sandbox.slack.state import SlackWorld

Rewrite = Callable[[str], str]
_ATOM = re.compile(r"```(?P<block>.+?)```|`(?P<code>[^`\n]+)`|<(?P<entity>[^<>\n]+)>", re.DOTALL)
_EMPHASIS = (("*", "strong"), ("_", "em"), ("~", "s"))
_KEPT = re.compile("\ue000(\\d+)\ue001")


def plain_html(text: str) -> Markup:
    """A plain_text object: emoji, line breaks, nothing else."""
    return Markup(with_dots(escape(with_emoji(text)).replace("\n", "<br>")))


def mrkdwn_html(world: SlackWorld, reader: User, text: str, rewrite: Rewrite) -> Markup:
    """A mrkdwn text. Dates are in the reader's zone; links open a new tab, at the address `rewrite` gives."""
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        if found["block"] is not None:
            kept.append(f"<pre>{_safe(found['block'].strip())}</pre>")
        elif found["code"] is not None:
            kept.append(f"<code>{_safe(found['code'])}</code>")
        else:
            kept.append(_entity(world, reader, found["entity"], rewrite))
        return f"\ue000{len(kept) - 1}\ue001"

    html = _safe(with_emoji(_ATOM.sub(keep, text.replace("\ue000", "").replace("\ue001", ""))))
    for mark, tag in _EMPHASIS:
        m = re.escape(mark)
        html = re.sub(rf"(?<![\w{m}]){m}(?=\S)([^\n{m}]*?\S){m}(?![\w{m}])", rf"<{tag}>\1</{tag}>", html)
    html = with_dots(html)
    html = "<br>".join(_line(line) for line in html.split("\n")).replace("</blockquote><br>", "</blockquote>")
    return Markup(_KEPT.sub(lambda found: kept[int(found[1])], html))


def _line(line: str) -> str:
    return f"<blockquote>{line[4:].lstrip()}</blockquote>" if line.startswith("&gt;") else line


def _safe(text: str) -> str:
    """Slack's three escapes undone, HTML's done."""
    return escape(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def _entity(world: SlackWorld, reader: User, entity: str, rewrite: Rewrite) -> str:
    target, _, label = entity.partition("|")
    if target.startswith("@"):
        user = world.users.get(target[1:])
        return f'<span class="mention">@{_safe(user.real_name if user else label or target[1:])}</span>'
    if target.startswith("#"):
        channel = world.channels.get(target[1:])
        known = channel is not None and world.may_see(reader.id, channel)
        name = channel.name if channel is not None and known else label or "private channel"
        return f'<span class="mention">#{_safe(name)}</span>'
    if target.startswith("!date^"):
        return date_html(target, label, reader.tz)
    if target.startswith("!"):
        return f'<span class="mention">{_safe(label or "@" + target[1:].partition("^")[0])}</span>'
    if not target.startswith(("http://", "https://", "mailto:")):
        return _safe(f"<{entity}>")
    href = escape(rewrite(target.replace("&amp;", "&")), quote=True)
    return f'<a href="{href}" target="_blank" rel="noopener">{_safe(with_emoji(label or target))}</a>'


def date_html(target: str, fallback: str, zone: str) -> str:
    """A `<!date^epoch^format^link|fallback>` in a zone; the fallback where it cannot be read."""
    parts = target.split("^")
    if len(parts) < 3 or not parts[1].isdigit():
        return _safe(fallback)
    moment = datetime.fromtimestamp(int(parts[1]), ZoneInfo(zone))
    days = {0: "today", 1: "tomorrow", -1: "yesterday"}
    distance = moment.date() - datetime.now(ZoneInfo(zone)).date()
    near = days.get(distance // timedelta(days=1))
    year = "" if moment.year == datetime.now(ZoneInfo(zone)).year else f", {moment.year}"
    texts = {
        "date_num": f"{moment:%Y-%m-%d}",
        "date": f"{moment:%B} {moment.day}, {moment.year}",
        "date_short": f"{moment:%b} {moment.day}, {moment.year}",
        "date_long": f"{moment:%A}, {moment:%B} {moment.day}, {moment.year}",
        "date_pretty": near or f"{moment:%B} {moment.day}{year}",
        "date_short_pretty": near or f"{moment:%b} {moment.day}{year}",
        "date_long_pretty": near or f"{moment:%A}, {moment:%B} {moment.day}{year}",
        "time": f"{moment:%H:%M}",
        "time_secs": f"{moment:%H:%M:%S}",
    }
    shown = re.sub(r"\{(\w+)\}", lambda found: texts.get(found[1], found[0]), parts[2])
    return f'<time datetime="{moment.isoformat()}" title="{_safe(fallback)}">{_safe(shown)}</time>'
