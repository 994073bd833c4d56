"""What is counted. Labels are bounded: platforms, outcomes and states, never accounts or workspaces."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Meters:
    """The counters of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.refreshes = Counter(
            "lamplighter_refreshes", "Refresh attempts", ["platform", "outcome"], registry=self.registry
        )
        self.deliveries = Counter(
            "lamplighter_deliveries",
            "Deliveries that reached a state",
            ["platform", "state"],
            registry=self.registry,
        )
        self.workspaces = Counter(
            "lamplighter_workspaces",
            "Workspaces that came and went",
            ["change"],
            registry=self.registry,
        )
        self.sweep_seconds = Histogram(
            "lamplighter_sweep_seconds", "How long a sweep took", registry=self.registry
        )
        self.last_sweep = Gauge(
            "lamplighter_last_sweep_timestamp_seconds",
            "Real time at which the last sweep finished",
            registry=self.registry,
        )
        self.overdue = Gauge(
            "lamplighter_overdue_grants", "Grants that are due and not yet renewed", registry=self.registry
        )
        self.oldest_overdue = Gauge(
            "lamplighter_oldest_overdue_seconds",
            "How long the oldest of these grants has been due (house time)",
            registry=self.registry,
        )
        self.unsent = Gauge(
            "lamplighter_unsent_notices", "Slack messages that wait to be sent", registry=self.registry
        )
