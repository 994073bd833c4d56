"""What an answer of a platform means, in words that all platforms share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an answer of a platform means for us, whichever call it answered."""

    TRY_LATER = "try_later"  # a clear "not now": 429, quota of the account; nothing took effect
    UNCLEAR = "unclear"  # 5xx, unreadable body: the call may have taken effect
    TOKEN = "token"  # the access token is refused, reason unsaid: refresh once, then believe
    DEAD = "dead"  # the person's grant is over; only a person can cure it
    PERMISSION = "permission"  # the grant lives, a scope or a role is missing
    ACCOUNT = "account"  # the account itself is suspended, restricted, of the wrong type, or gone
    APP = "app"  # our developer app is at fault: told to the operator, never blamed on a client
    DUPLICATE = "duplicate"  # refused as a copy; `twin` names the original where the platform does
    CONTENT = "content"  # this post is refused, another would pass
    NOT_READY = "not_ready"  # ask again in a moment
    UNKNOWN = "unknown"  # readable, but in no table: kept for a person


class Reason(StrEnum):
    """Why, in a word that messages turn into a sentence and an advice."""

    EXPIRED = "expired"
    REVOKED = "revoked"
    PASSWORD_CHANGED = "password_changed"
    CHECKPOINT = "checkpoint"  # log in there first
    SECURITY_HOLD = "security_hold"  # two-factor or identity check
    PERMISSION_MISSING = "permission_missing"
    ROLE_LOST = "role_lost"  # on the Page or organisation
    SUSPENDED = "suspended"
    RESTRICTED = "restricted"
    ACCOUNT_TYPE = "account_type"
    ACCOUNT_GONE = "account_gone"
    LOST_ANSWER = "lost_answer"  # lost in a restart or a dropped answer
    REFUSED = "refused"  # definitive, but the platform does not say why
    APP_SECRET = "app_secret"
    APP_SUSPENDED = "app_suspended"
    APP_NOT_REVIEWED = "app_not_reviewed"
    APP_SETTINGS = "app_settings"
    VERSION_RETIRED = "version_retired"
    CREDITS = "credits"
    APP_QUOTA = "app_quota"
    RATE_LIMIT = "rate_limit"
    DAILY_CAP = "daily_cap"
    SPAM = "spam"  # the platform blocks posting for a while
    TEXT_TOO_LONG = "text_too_long"
    TEXT_REFUSED = "text_refused"
    LINK_REFUSED = "link_refused"
    MEDIA_MISSING = "media_missing"
    MEDIA_FORMAT = "media_format"
    MEDIA_SIZE = "media_size"
    MEDIA_RATIO = "media_ratio"
    MEDIA_DURATION = "media_duration"
    MEDIA_UNREACHABLE = "media_unreachable"
    TARGET_GONE = "target_gone"  # board, section: choose another
    POLICY = "policy"
    DUPLICATE = "duplicate"
    PLATFORM_DOWN = "platform_down"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A classified answer. `code` is short and safe to log ("190/460"); it is never shown to people."""

    kind: Kind
    reason: Reason
    code: str = ""
    retry_after: float | None = None  # seconds, where the platform says it
    permission: str | None = None  # the scope that is missing, where it is known
    twin: str | None = None  # id of the post that a duplicate refusal names


class PlatformError(Exception):
    """The platform answered, and the answer is not success."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(f"{verdict.kind}: {verdict.reason} ({verdict.code})")
        self.verdict = verdict
