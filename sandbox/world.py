"""The world that all platform twins share: who exists, what was granted, what happened.

House time comes from a callable offset, so that months can pass; codes live in real time (see `model`).
Nothing here speaks HTTP.
"""

from __future__ import annotations

import itertools
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.platforms.faults import Fault, FaultBoard
from sandbox.platforms.ledger import Ledger
from sandbox.platforms.model import Account, App, Code, Grant, Post, Presented, Token

SHORTEST_SECRET = 8  # a scan for shorter strings would find them everywhere
ENDINGS = frozenset({"revoked", "password_changed", "logged_out"})


class PlatformWorld:
    """All state of the twins. `offset` gives the seconds by which house time is ahead of real time."""

    def __init__(self, offset: Callable[[], float] = lambda: 0.0) -> None:
        self._offset = offset
        self._serials = itertools.count(1)
        self._seen: set[str] = set()
        self.apps: dict[tuple[str, str], App] = {}
        self.accounts: dict[tuple[str, str], Account] = {}
        self.grants: dict[str, Grant] = {}
        self.tokens: dict[str, Token] = {}
        self.codes: dict[str, Code] = {}
        self.posts: dict[tuple[str, str], Post] = {}
        self._posts_by_account: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self.sessions: dict[tuple[str, str], str] = {}
        self.modes: dict[str, str] = {}
        self.watchers: dict[str, Callable[[str, str], None]] = {}
        self.faults = FaultBoard(self.serial)
        self.ledger = Ledger(self.now)

    def now(self) -> datetime:
        """House time, UTC."""
        return datetime.now(UTC) + timedelta(seconds=self._offset())

    def serial(self) -> int:
        """The next number of one common sequence; later things have greater numbers."""
        return next(self._serials)

    # Who exists

    def register_app(self, app: App) -> App:
        """Register a developer app, or replace the one with the same client id."""
        self.apps[app.platform, app.client_id] = app
        self.see(app.secret)
        return app

    def add_account(self, account: Account) -> Account:
        """Add an account, or replace the one with the same id."""
        self.accounts[account.platform, account.id] = account
        return account

    def change_account(self, platform: str, account: str, **changes: Any) -> Account:
        """Change an account (handle, name, picture, extra). Raises KeyError for an unknown one."""
        return self.add_account(replace(self.accounts[platform, account], **changes))

    def accounts_of(self, platform: str) -> list[Account]:
        """The accounts of one platform, in the order in which they were added."""
        return [account for account in self.accounts.values() if account.platform == platform]

    # Secrets

    def see(self, *values: str) -> None:
        """Remember values that must never be shown anywhere."""
        self._seen.update(value for value in values if len(value) >= SHORTEST_SECRET)

    def secrets(self) -> frozenset[str]:
        """Every token, code, client secret and verifier that was ever handed out or received."""
        return frozenset(self._seen)

    # Grants, codes, tokens

    def new_code(
        self,
        app: App,
        account: str,
        scopes: Iterable[str],
        redirect_uri: str,
        *,
        ttl: float,
        prefix: str = "",
        challenge: str = "",
        challenge_method: str = "",
        extra: Mapping[str, Any] | None = None,
    ) -> Code:
        """Hand out an authorization code that lives `ttl` real seconds."""
        code = Code(
            value=prefix + secrets.token_urlsafe(48),
            platform=app.platform,
            client_id=app.client_id,
            redirect_uri=redirect_uri,
            account=account,
            scopes=frozenset(scopes),
            dies_at=time.monotonic() + ttl,
            challenge=challenge,
            challenge_method=challenge_method,
            extra=extra or {},
        )
        self.codes[code.value] = code
        self.see(code.value)
        self.ledger.write("code_issued", app.platform, account, scopes=sorted(code.scopes))
        return code

    def present_code(self, platform: str, value: str) -> tuple[Code | None, str]:
        """Look a presented code up: the code and `fresh`, `spent`, `expired` or `unknown`."""
        self.see(value)
        code = self.codes.get(value)
        if code is None or code.platform != platform:
            state, code = "unknown", None
        elif code.used:
            state = "spent"
        else:
            state = "fresh" if time.monotonic() < code.dies_at else "expired"
        self.ledger.write("code_presented", platform, code.account if code else "", state=state)
        return code, state

    def spend_code(self, code: Code) -> None:
        """Mark a code as used; it stays known so that a second use is recognised."""
        self.codes[code.value] = replace(code, used=True)

    def new_grant(
        self,
        platform: str,
        client_id: str,
        account: str,
        scopes: Iterable[str],
        extra: Mapping[str, Any] | None = None,
    ) -> Grant:
        """Record a consent that a code was exchanged for."""
        serial = self.serial()
        grant = Grant(
            id=f"g{serial}",
            serial=serial,
            platform=platform,
            client_id=client_id,
            account=account,
            scopes=frozenset(scopes),
            at=self.now(),
            extra=extra or {},
        )
        self.grants[grant.id] = grant
        return grant

    def narrow(self, grant: Grant, scopes: Iterable[str]) -> Grant:
        """Leave a grant no more than these scopes."""
        self.grants[grant.id] = replace(grant, scopes=grant.scopes & frozenset(scopes))
        return self.grants[grant.id]

    def end_grant(self, grant: str, reason: str) -> None:
        """End a grant and with it every token of it; the first reason stays."""
        held = self.grants[grant]
        if not held.ended:
            self.grants[grant] = replace(held, ended=reason)
            self.ledger.write("grant_ended", held.platform, held.account, family=grant, reason=reason)

    def narrow_grant(self, grant: str, scope: str) -> None:
        """Take one scope from a grant; its tokens go on without it."""
        held = self.grants[grant]
        self.grants[grant] = replace(held, scopes=held.scopes - {scope})
        self.ledger.write("scope_revoked", held.platform, held.account, family=grant, scope=scope)

    def revoked(self, platform: str, account: str, by: str, **detail: Any) -> None:
        """Enter that `user` or `app` revoked, and tell the twin, which may send a push notice."""
        self.ledger.write("revoke", platform, account, by=by, **detail)
        if platform in self.watchers:
            self.watchers[platform](account, by)

    def issue(
        self,
        grant: Grant,
        kind: str,
        *,
        seconds: float | None,
        prefix: str = "",
        suffix: str = "",
        account: str = "",
    ) -> Token:
        """Hand out a token of a grant that lives `seconds` of house time, or for ever with None.

        `account` is whose token it is, where that is not the person who consented (a Page's own).
        """
        serial, now = self.serial(), self.now()
        token = Token(
            id=f"t{serial}",
            serial=serial,
            value=prefix + secrets.token_urlsafe(48) + suffix,
            kind=kind,
            platform=grant.platform,
            account=account or grant.account,
            grant=grant.id,
            issued_at=now,
            expires_at=None if seconds is None else now + timedelta(seconds=seconds),
        )
        self.tokens[token.value] = token
        self.see(token.value)
        expires = token.expires_at.isoformat() if token.expires_at else None
        self.ledger.write(
            "token_issued",
            token.platform,
            token.account,
            kind=kind,
            token=token.id,
            family=grant.id,
            expires=expires,
        )
        return token

    def extend(self, token: Token, seconds: float) -> None:
        """Let a token live `seconds` of house time from now."""
        expires_at = self.now() + timedelta(seconds=seconds)
        self.tokens[token.value] = replace(self.tokens[token.value], expires_at=expires_at)

    def spend(self, token: Token) -> None:
        """Mark a token as spent: it was exchanged and must not be presented again."""
        self.tokens[token.value] = replace(token, spent=True)
        self.ledger.write(
            "token_spent", token.platform, token.account, token=token.id, kind=token.kind, family=token.grant
        )

    def present(self, platform: str, value: str, *, endpoint: str, group: str) -> Presented:
        """Look a presented token up and enter that in the ledger."""
        self.see(value)
        token = self.tokens.get(value)
        if token is None or token.platform != platform:
            self.ledger.write(
                "token_presented", platform, "", endpoint=endpoint, group=group, state="unknown", kind=""
            )
            return Presented(state="unknown")
        presented = self._inspect(token, group)
        self.ledger.write(
            "token_presented",
            platform,
            token.account,
            endpoint=endpoint,
            group=group,
            token=token.id,
            family=token.grant,
            kind=token.kind,
            state=presented.state,
            reason=presented.reason,
        )
        return presented

    def _inspect(self, token: Token, group: str) -> Presented:
        grant = self.grants[token.grant]
        if token.spent:
            return Presented(state="spent", token=token, grant=grant)
        if grant.ended:
            return Presented(state="ended", token=token, grant=grant, reason=grant.ended)
        whose = ("", token.account)
        endings = ENDINGS | ({"refresh_dead"} if token.kind == "refresh" else set())
        fault = self.faults.take(endings, token.platform, (*whose, grant.account), group, grant.serial)
        if fault is not None:
            return Presented(state="ended", token=token, grant=grant, reason=fault.kind)
        old = token.expires_at is not None and token.expires_at <= self.now()
        if not old and token.kind != "refresh":
            old = self.faults.take({"expired"}, token.platform, whose, group, token.serial) is not None
        return Presented(state="expired" if old else "fresh", token=token, grant=grant)

    # Posts

    def add_post(
        self,
        account: Account,
        id: str,
        text: str,
        *,
        shown: str,
        media: tuple[str, ...],
        permalink: str,
        extra: Mapping[str, Any] | None = None,
        **detail: Any,
    ) -> Post:
        """Make a post live. `detail` goes into the ledger beside text, media and id."""
        post = Post(
            id=id,
            platform=account.platform,
            account=account.id,
            text=text,
            shown=shown,
            media=media,
            at=self.now(),
            permalink=permalink,
            extra=extra or {},
        )
        self.posts[account.platform, id] = post
        self._posts_by_account[account.platform, account.id].append(id)
        self.ledger.write(
            "post_created", account.platform, account.id, id=id, text=text, media=list(media), **detail
        )
        return post

    def posts_of(self, platform: str, account: str) -> list[Post]:
        """The live posts of an account, newest first."""
        return [post for post in self.all_posts_of(platform, account) if not post.deleted]

    def all_posts_of(self, platform: str, account: str) -> Iterator[Post]:
        """Every post that an account ever made, newest first; quotas count deleted ones too."""
        return (self.posts[platform, id] for id in reversed(self._posts_by_account[platform, account]))

    def delete_post(self, platform: str, id: str, by: str) -> Post:
        """Take a post down. Raises KeyError when there is no such live post."""
        post = self.posts[platform, id]
        if post.deleted:
            raise KeyError(id)
        self.posts[platform, id] = replace(post, deleted=True)
        self.ledger.write("post_deleted", platform, post.account, id=id, by=by)
        return post

    # Faults

    def set_fault(self, kind: str, platform: str, account: str = "", **limits: Any) -> Fault:
        """Put a fault up (see `FaultBoard.set`). Raises ValueError, KeyError for an unknown account."""
        if account and (platform, account) not in self.accounts:
            raise KeyError(account)
        fault = self.faults.set(kind, platform, account, **limits)
        self.ledger.write(
            "fault_set", platform, account, kind=kind, fault=fault.id, group=fault.group, count=fault.left
        )
        if kind == "revoked":
            self.revoked(platform, account, "user")
        return fault
