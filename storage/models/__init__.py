"""All tables, one module a topic."""

from storage.models.base import Base, Instant, new_id
from storage.models.engine import Breaker, EngineFact, KeyCheck, Process
from storage.models.linking import Connection, Consent, Grant, GrantAttempt, Invitation, RevocationNotice
from storage.models.people import AuditEvent, Client, Workspace
from storage.models.posting import Delivery, Post
from storage.models.telling import Incident, Notice, SeenEvent

__all__ = [
    "AuditEvent",
    "Base",
    "Breaker",
    "Client",
    "Connection",
    "Consent",
    "Delivery",
    "EngineFact",
    "Grant",
    "GrantAttempt",
    "Incident",
    "Instant",
    "Invitation",
    "KeyCheck",
    "Notice",
    "Post",
    "Process",
    "RevocationNotice",
    "SeenEvent",
    "Workspace",
    "new_id",
]
