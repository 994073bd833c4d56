"""Slack's shortcodes for the emoji that messages use."""

from __future__ import annotations

import re

_TEXT = """
+1 👍 -1 👎 adult 🧑 alarm_clock ⏰ arrow_right ➡️ arrows_counterclockwise 🔄 bar_chart 📊
bell 🔔 black_circle ⚫ bulb 💡 busts_in_silhouette 👥 calendar 📆 camera 📷
chart_with_upwards_trend 📈 clapper 🎬 clipboard 📋 clock1 🕐 construction 🚧 date 📅
double_vertical_bar ⏸️ eyes 👀 fire 🔥 gear ⚙️ globe_with_meridians 🌐 green_circle 🟢
hammer_and_wrench 🛠️ heavy_check_mark ✔️ hourglass ⌛ hourglass_flowing_sand ⏳ inbox_tray
📥 information_source 🛈 key 🔑 lamp 🪔 large_blue_circle 🔵 large_green_circle 🟢
large_orange_circle 🟠 large_red_circle 🔴 large_yellow_circle 🟡 link 🔗 lock 🔒 mag 🔍
mailbox 📫 memo 📝 movie_camera 🎥 no_entry ⛔ ok_hand 👌 outbox_tray 📤 page_facing_up 📄
paperclip 📎 pause_button ⏸️ pencil 📝 pencil2 ✏️ point_right 👉 pray 🙏 pushpin 📌 question
❓ raised_hands 🙌 red_circle 🔴 repeat 🔁 rocket 🚀 rotating_light 🚨 satellite_antenna 📡
seedling 🌱 shield 🛡️ sleeping 😴 smile 😄 sparkles ✨ speech_balloon 💬 stopwatch ⏱️ sunrise
🌅 tada 🎉 thumbsup 👍 vertical_traffic_light 🚦 warning ⚠️ wastebasket 🗑️ wave 👋
white_check_mark ✅ white_circle ⚪ wrench 🔧 x ❌ yellow_circle 🟡 zap ⚡
"""
_PAIRS = _TEXT.split()
CODES = dict(zip(_PAIRS[::2], _PAIRS[1::2], strict=True))
_CODE = re.compile(r":([a-z0-9_+-]+):")


_DOTS = {
    "🟢": "green",
    "🟡": "yellow",
    "🟠": "orange",
    "🔴": "red",
    "🔵": "blue",
    "⚪": "white",
    "⚫": "black",
}
_DOT = re.compile("|".join(_DOTS))


def with_dots(html: str) -> str:
    """The HTML with coloured circles drawn by the page: they carry meaning, and not every font has them."""
    return _DOT.sub(lambda found: _dot(_DOTS[found[0]]), html)


def _dot(colour: str) -> str:
    return f'<span class="dot dot-{colour}" role="img" aria-label="{colour}" title="{colour}"></span>'


def with_emoji(text: str) -> str:
    """The text with known shortcodes as characters; unknown ones stay as they are."""
    return _CODE.sub(lambda found: CODES.get(found[1], found[0]), text)
