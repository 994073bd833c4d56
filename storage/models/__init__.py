"""All tables, one module a topic."""

from __future__ import annotations

from storage.models.base import Base, Instant, new_id
from storage.models.engine import Breaker, EngineFact, KeyCheck, Process
from storage.models.importing import Import
from storage.models.installing import InstallWalk
from storage.models.leaving import Departure
from storage.models.linking import Connection, Consent, Grant, GrantAttempt, Invitation, RevocationNotice
from storage.models.media import MediaUse, StoredMedia
from storage.models.people import AuditEvent, Client, ClientAlias, HomeTab, Workspace
from storage.models.posting import Delivery, Post
from storage.models.routines import Absence, Routine
from storage.models.telling import Incident, Notice, SeenEvent

__all__ = [
    "Absence",
    "AuditEvent",
    "Base",
    "Breaker",
    "Client",
    "ClientAlias",
    "Connection",
    "Consent",
    "Delivery",
    "Departure",
    "EngineFact",
    "Grant",
    "GrantAttempt",
    "HomeTab",
    "Import",
    "Incident",
    "InstallWalk",
    "Instant",
    "Invitation",
    "KeyCheck",
    "MediaUse",
    "Notice",
    "Post",
    "Process",
    "RevocationNotice",
    "Routine",
    "SeenEvent",
    "StoredMedia",
    "Workspace",
    "new_id",
]
