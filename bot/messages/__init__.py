"""Block Kit as pure functions: data in, blocks out."""

from __future__ import annotations

from bot.messages.message import Message

__all__ = ["Message"]
