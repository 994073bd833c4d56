"""A Slack workspace and the social platforms on loopback, for the demo and the tests."""

from __future__ import annotations
