"""Lamplighter: a Slack bot that keeps an agency's social accounts connected and their posts going out."""

from __future__ import annotations
