"""Invitations, consents, grants with their journal, and connections."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.models.base import Base, RowId, new_id


class Invitation(Base):
    """A link in channel that lets whoever opens it link or relink one account.

    state: `open`, `used`, `replaced` or `closed`. A relink invitation has no end of its own: it lives while
    its incident does.
    """

    __tablename__ = "invitations"
    __table_args__ = (
        Index("ix_invitations_batch_id", "batch_id"),
        Index("ix_invitations_connection_id", "connection_id"),
    )

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id"))
    batch_id: Mapped[str] = mapped_column(RowId)  # the one message that several invitations share
    platform: Mapped[str] = mapped_column(String(16))
    connection_id: Mapped[str | None] = mapped_column(RowId)  # the target of a relink
    expected_handle: Mapped[str | None] = mapped_column(String(255))
    token: Mapped[str] = mapped_column(Text)  # sealed
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hand_over_of: Mapped[str | None] = mapped_column(RowId)  # a grant that another login takes over
    created_by: Mapped[str | None] = mapped_column(String(32))  # null: asked for by an alert
    channel_id: Mapped[str | None] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(16), default="open")
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    consent_id: Mapped[str | None] = mapped_column(RowId)
    created_at: Mapped[datetime]


class Consent(Base):
    """One walk from the invitation's button to the stored account.

    state: `started → exchanging → choosing → done / failed`, each step one conditional update.
    `answer` is what came back, sealed, and forgotten an hour after the end.
    """

    __tablename__ = "consents"
    __table_args__ = (
        Index("ix_consents_forget_at", "forget_at"),
        Index("ix_consents_state", "state"),
        Index("ix_consents_grant_id", "grant_id"),
    )

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    invitation_id: Mapped[str] = mapped_column(ForeignKey("invitations.id"))
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    platform: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), default="started")
    state_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser_hash: Mapped[str] = mapped_column(String(64))
    verifier: Mapped[str | None] = mapped_column(Text)  # sealed
    redirect_uri: Mapped[str] = mapped_column(String(1024))
    answer: Mapped[str | None] = mapped_column(Text)  # sealed
    accounts: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # found, without tokens
    grant_id: Mapped[str | None] = mapped_column(RowId)
    connection_ids: Mapped[list[str]] = mapped_column(default=list)
    result: Mapped[str | None] = mapped_column(String(32))  # a word of bot.domain.consenting.Result
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)  # names for the result page, no secrets
    busy_until: Mapped[datetime | None]  # lease clock: while a callback is being worked on
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    forget_at: Mapped[datetime]


class Grant(Base):
    """What one person's consent gave. Owned by no workspace.

    state: `live`; `ending` (cannot be renewed, works until `access_expires_at`); `dead`; `forgotten`.
    `generation` counts the token sets; every write of tokens is conditional on it.
    """

    __tablename__ = "grants"
    __table_args__ = (
        UniqueConstraint("provider", "app_id", "subject"),
        Index("ix_grants_next_due_at", "next_due_at"),
    )

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    provider: Mapped[str] = mapped_column(String(16))
    app_id: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    subject_name: Mapped[str] = mapped_column(String(255), default="")
    known_as: Mapped[str | None] = mapped_column(String(255))  # another id by which notices name the person
    generation: Mapped[int] = mapped_column(Integer, default=1)
    access_token: Mapped[str | None] = mapped_column(Text)  # sealed
    refresh_token: Mapped[str | None] = mapped_column(Text)  # sealed
    scopes: Mapped[list[str]] = mapped_column(default=list)
    access_issued_at: Mapped[datetime]
    access_expires_at: Mapped[datetime | None]
    refresh_expires_at: Mapped[datetime | None]
    data_access_expires_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(16), default="live")
    reason: Mapped[str | None] = mapped_column(String(32))
    reason_code: Mapped[str | None] = mapped_column(String(64))
    reason_at: Mapped[datetime | None]
    waiting_for_platform: Mapped[bool] = mapped_column(default=False)  # an unclear attempt is open
    next_due_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[datetime | None]  # lease clock
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    failures: Mapped[int] = mapped_column(Integer, default=0)  # since the last success
    last_refreshed_at: Mapped[datetime | None]
    proved_at: Mapped[datetime | None]  # the last success that proves life
    consented_at: Mapped[datetime]
    opened_by: Mapped[dict[str, Any]] = mapped_column(default=dict)  # workspace, consent, Slack user
    created_at: Mapped[datetime]


class RevocationNotice(Base):
    """What a platform pushed to us of a person who removed our app, or asked for his data to be deleted.

    kind: `deauthorize` or `deletion`. standing: `unknown` (no grant of ours), `old` (a newer consent counts),
    `open` (the second look decides), `done` (tokens forgotten; a deauthorization is done once it is written).
    """

    __tablename__ = "revocation_notices"
    __table_args__ = (Index("ix_revocation_notices_open", "standing", "kind"),)

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    seen_key: Mapped[str] = mapped_column(String(64), unique=True)  # digest of what was signed
    platform: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(16))
    grant_id: Mapped[str | None] = mapped_column(RowId)
    code: Mapped[str] = mapped_column(String(64), unique=True)  # confirms a deletion; names its page
    standing: Mapped[str] = mapped_column(String(16))
    issued_at: Mapped[datetime]  # by the platform
    received_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


class GrantAttempt(Base):
    """The journal: written before a refresh call leaves, closed by its answer.

    state: `open` (no answer yet), then a word of bot.domain.outcomes.Outcome.
    """

    __tablename__ = "grant_attempts"
    __table_args__ = (UniqueConstraint("grant_id", "number"),)

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    grant_id: Mapped[str] = mapped_column(ForeignKey("grants.id"))
    number: Mapped[int] = mapped_column(Integer)
    generation: Mapped[int] = mapped_column(Integer)
    owner: Mapped[str] = mapped_column(String(64))
    cause: Mapped[str] = mapped_column(String(16))  # sweep, post, refused, early
    started_at: Mapped[datetime]  # house time
    over_at: Mapped[datetime]  # lease clock: from then on the call cannot still be running
    state: Mapped[str] = mapped_column(String(16), default="open")
    reason: Mapped[str | None] = mapped_column(String(32))
    code: Mapped[str | None] = mapped_column(String(64))
    finished_at: Mapped[datetime | None]


class Connection(Base):
    """One social account of one client in one workspace, resting on a grant.

    state: `live` or `disconnected`. `problem` is the account's own trouble, apart from the grant's.
    """

    __tablename__ = "connections"
    __table_args__ = (
        UniqueConstraint("client_id", "platform", "account_id"),
        Index("ix_connections_grant_id", "grant_id"),
        Index("ix_connections_workspace_id", "workspace_id", "state"),
        Index("ix_connections_next_change_at", "next_change_at"),
    )

    id: Mapped[str] = mapped_column(RowId, primary_key=True, default=new_id)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id"))
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id"))
    grant_id: Mapped[str] = mapped_column(ForeignKey("grants.id"))
    platform: Mapped[str] = mapped_column(String(16))
    account_id: Mapped[str] = mapped_column(String(255))
    handle: Mapped[str] = mapped_column(String(255), default="")
    name: Mapped[str] = mapped_column(String(255), default="")
    picture_url: Mapped[str | None] = mapped_column(Text)
    own_token: Mapped[str | None] = mapped_column(Text)  # sealed; a Page's
    own_token_generation: Mapped[int | None] = mapped_column(Integer)
    generation: Mapped[int] = mapped_column(Integer, default=1)
    state: Mapped[str] = mapped_column(String(16), default="live")
    problem: Mapped[str | None] = mapped_column(String(32))
    problem_detail: Mapped[str | None] = mapped_column(String(255))  # the missing permission, where known
    problem_at: Mapped[datetime | None]
    missing_scopes: Mapped[list[str]] = mapped_column(default=list)
    proved_at: Mapped[datetime | None]
    next_change_at: Mapped[datetime | None]  # when somebody must look at it next: a warning, or a live check
    probed_at: Mapped[datetime | None]  # the last live check, whatever it found
    linked_by: Mapped[str | None] = mapped_column(String(32))  # Slack user who asked for the link
    linked_at: Mapped[datetime]
    disconnected_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
