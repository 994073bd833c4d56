"""Two workspaces in one database that are as alike as they can be: same names, channels, people, accounts,
and one login on which both rest. Only ids of rows tell them apart, and each begins with whose they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from storage.models import (
    Absence,
    AuditEvent,
    Base,
    Client,
    ClientAlias,
    Connection,
    Consent,
    Delivery,
    Departure,
    Grant,
    HomeTab,
    Import,
    Incident,
    Invitation,
    MediaUse,
    Notice,
    Post,
    Routine,
    StoredMedia,
    Workspace,
)

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
DAY = timedelta(days=1)
OURS, THEIRS, SHARED = "ours", "theirs", "shared"
SLUG, OLD_SLUG, CHANNEL, PERSON = "bakery", "old-bakery", "C1", "U1"
DIGEST, VIEW = "d" * 64, "V1"
ACCOUNT = ("x", "1")


def grant(row_id: str, **values: Any) -> Grant:
    """A login that works."""
    given = {"access_token": "sealed", "opened_by": {}, "state": "live"} | values
    return Grant(
        id=row_id,
        provider="x",
        app_id="app",
        subject=row_id,
        subject_name=row_id,
        access_issued_at=NOW,
        consented_at=NOW,
        created_at=NOW,
        **given,
    )


def shared_grant() -> Grant:
    """The login on which accounts of both rest; our consent made it."""
    return grant(SHARED, opened_by={"workspace": OURS, "consent": f"{OURS}-consent", "user": PERSON})


def account(of: str, name: str, grant_id: str, client: str = "client", **values: Any) -> Connection:
    given = {"platform": "x", "account_id": name, "state": "live", "linked_by": PERSON} | values
    return Connection(
        id=f"{of}-{name}",
        workspace_id=of,
        client_id=f"{of}-{client}",
        grant_id=grant_id,
        linked_at=NOW,
        created_at=NOW,
        next_change_at=NOW + DAY,
        **given,
    )


def client(of: str, name: str, slug: str, **values: Any) -> Client:
    return Client(
        id=f"{of}-{name}", workspace_id=of, slug=slug, name=slug, zone="UTC", created_at=NOW, **values
    )


def post(of: str, name: str, state: str, **values: Any) -> list[Base]:
    """A post with its one delivery."""
    mine = {"workspace_id": of, "client_id": f"{of}-client", "due_at": NOW, "created_at": NOW}
    row = Post(id=f"{of}-{name}-post", request_key=f"{of}-{name}", text="Bread", **mine)
    sent = Delivery(
        id=f"{of}-{name}",
        post_id=row.id,
        connection_id=f"{of}-account",
        state=state,
        planned_at=NOW,
        changed_at=NOW,
        offer_id="offer",
        **mine,
        **values,
    )
    return [row, sent]


def incident(of: str, name: str, **values: Any) -> Incident:
    """One of the login that both share; `name` says which."""
    return Incident(
        id=f"{of}-{name}",
        workspace_id=of,
        kind="grant",
        grant_id=SHARED,
        open_key=f"{of}:{name}",
        severity="dead",
        reason="revoked",
        state="open",
        opened_at=NOW,
        **values,
    )


def rows_of(of: str) -> list[Base]:
    """A workspace's rows, those first that others refer to."""
    mine: dict[str, Any] = {"workspace_id": of}
    return [
        Workspace(id=of, team_id=f"T-{of}", name=of, token_generation=1, created_at=NOW),
        client(of, "client", SLUG, team_channel=CHANNEL, mentions=[PERSON]),
        client(of, "closed", "closed", closed_at=NOW),
        grant(f"{of}-login"),
        grant(f"{of}-dead", state="dead", reason="revoked", reason_at=NOW),
        Routine(**mine, kind="monday", next_at=NOW, is_planned=True),
        Absence(**mine, user_id=PERSON, found_at=NOW),
        HomeTab(**mine, user_id=PERSON, asked_ts="5" if of == OURS else "7"),
        Import(id=f"{of}-import", **mine, view_id=VIEW, author=PERSON, name="a", text="b", created_at=NOW),
        StoredMedia(
            id=f"{of}-media",
            **mine,
            digest=DIGEST,
            kind="image",
            mime="image/png",
            size=1,
            created_at=NOW,
            used_at=NOW,
            next_at=NOW,
        ),
        ClientAlias(**mine, slug=OLD_SLUG, client_id=f"{of}-client", created_at=NOW),
        account(of, "account", f"{of}-login", account_id=ACCOUNT[1]),
        account(of, "fallen", f"{of}-dead"),
        account(of, "common", SHARED),
        account(of, "gone", f"{of}-login", state="disconnected"),
        Invitation(
            id=f"{of}-invitation",
            **mine,
            client_id=f"{of}-client",
            batch_id=f"{of}-batch",
            platform="x",
            token="sealed",
            token_hash=f"{of}-hash",
            created_by=PERSON,
            state="open",
            created_at=NOW,
        ),
        incident(of, "incident", next_at=NOW),
        AuditEvent(
            id=f"{of}-event",
            **mine,
            at=NOW,
            actor=PERSON,
            action="x",
            client_id=f"{of}-client",
            connection_id=f"{of}-account",
        ),
        *post(of, "scheduled", "scheduled"),
        *post(of, "failed", "failed"),
        *post(of, "late", "blocked", late=True),
        Consent(
            id=f"{of}-consent",
            invitation_id=f"{of}-invitation",
            **mine,
            platform="x",
            state_hash=f"{of}-state",
            browser_hash="b",
            redirect_uri="r",
            grant_id=SHARED,
            accounts=[{"id": of}],
            created_at=NOW,
            expires_at=NOW,
            forget_at=NOW,
        ),
        Departure(
            id=f"{of}-departure",
            **mine,
            connection_id=f"{of}-gone",
            generation=2,
            grant_id=f"{of}-login",
            due_at=NOW,
            created_at=NOW,
        ),
        Notice(
            id=f"{of}-notice",
            **mine,
            kind="view",
            topic="incident",
            unique_key=f"{of}-root",
            subject_id=f"{of}-incident",
            audience="operations",
            state="posted",
            channel_id=CHANNEL,
            ts="1.0",
            created_at=NOW,
        ),
        MediaUse(media_id=f"{of}-media", post_id=f"{of}-scheduled-post"),
    ]


async def furnish(session: AsyncSession, *workspaces: str) -> None:
    session.add(shared_grant())
    for of in workspaces:
        for row in rows_of(of):
            session.add(row)
            await session.flush()
