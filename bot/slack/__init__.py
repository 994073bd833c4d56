"""The way to and from Slack: the gateway, the outbox that empties notices through it, and bolt's door."""

from __future__ import annotations
