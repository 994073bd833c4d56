"""LinkedIn: members ("linkedin") and organisations ("linkedin_pages"), two platforms on one API.

    post        point of no return     what a look can prove
    any         the call that makes it nothing; but LinkedIn refuses a copy with 422 and names the twin

A consent with another set of scopes ends earlier tokens of the same app. Where both platforms share one app
they are therefore one provider and always ask for the same scopes. Self-serve apps have the members' scopes
alone, and LinkedIn refuses a consent that asks for more. Only partners get a refresh token.
Sources: learn.microsoft.com/linkedin (authorization code flow, programmatic refresh tokens, token
introspection, sign in with OpenID Connect, posts API, organization access control by role).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.platforms import linkedin_errors, linkedin_media, oauth, reading
from bot.platforms import linkedin_login as login
from bot.platforms import linkedin_pages as pages
from bot.platforms import linkedin_text as little
from bot.platforms.base import (
    Account,
    Call,
    Discovery,
    Found,
    Handles,
    Look,
    PlatformInfo,
    Ready,
    RefreshKind,
    RefreshModel,
    Scope,
    Sent,
    Target,
    Tokens,
    Wait,
)
from bot.platforms.content import Content, ContentProblem, PostLimits
from bot.platforms.errors import Kind, PlatformError, Reason, Verdict
from bot.settings import AppCredentials

MEMBER_POST, PAGE_POST = "w_member_social", "w_organization_social"
RETRY_PAUSE = 5.0  # seconds: a token that was just issued is at times called revoked
NO_REFRESH_TOKEN = Verdict(Kind.UNKNOWN, Reason.UNKNOWN, "no_refresh_token")
ROLE_LOST = Verdict(Kind.PERMISSION, Reason.ROLE_LOST, "acls/no_role")

IDENTITY = (Scope("openid", "knowing who this is"), Scope("profile", "knowing who this is"))
MEMBERS = (*IDENTITY, Scope(MEMBER_POST, "posting"))
ORGANISATIONS = (
    Scope(PAGE_POST, "posting"),
    Scope("r_organization_social", "reading back what was posted"),
    Scope("rw_organization_admin", "knowing which Pages there are"),
)
OWN_APP = (Scope("r_basicprofile", "knowing who this is"), *ORGANISATIONS)


def _only_for(word: str, scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    return tuple(replace(scope, required=False, concerns=word) for scope in scopes)


def members(version: str, *, shared: bool) -> LinkedIn:
    """Posting as a person. `shared`: organisations use the same app, so their scopes are asked for, too."""
    scopes = (*MEMBERS, *_only_for("linkedin_pages", ORGANISATIONS)) if shared else MEMBERS
    return LinkedIn(version, _info("linkedin", "LinkedIn", "linkedin", scopes))


def organisations(version: str, *, shared: bool) -> LinkedIn:
    """Posting as a Page. `shared`: on the members' app, as the same provider."""
    union = (*IDENTITY, *_only_for("linkedin", MEMBERS[len(IDENTITY) :]), *ORGANISATIONS)
    provider = "linkedin" if shared else "linkedin_pages"
    info = _info("linkedin_pages", "LinkedIn Page", provider, union if shared else OWN_APP)
    unreviewed = (
        "Until LinkedIn has granted the app its Standard tier, it may make 100 calls a day for a person."
    )
    needs_review = "Posting as a Page takes an app that LinkedIn has approved for it."
    return LinkedIn(
        version,
        replace(
            info, account_noun="Page", company="LinkedIn", unreviewed=unreviewed, needs_review=needs_review
        ),
    )


def _info(key: str, title: str, provider: str, scopes: tuple[Scope, ...]) -> PlatformInfo:
    return PlatformInfo(
        key=key,
        title=title,
        provider=provider,
        scopes=scopes,
        refresh=RefreshModel(
            RefreshKind.COUNTDOWN, margin=timedelta(days=30), assumed_life=timedelta(days=60)
        ),
        hosts=linkedin_media.HOSTS,
        token_host="www.linkedin.com",
        permission_page="https://www.linkedin.com/psettings/permitted-services",
        limits=PostLimits(
            text_max=little.TEXT_MAX,
            titled="a link's card",
            media_max=little.PICTURES_MAX,
        ),
        pkce=False,
        confirm_after_consent=True,
    )


@dataclass(frozen=True, slots=True)
class LinkedIn:
    """One of LinkedIn's two platforms, at one month of the API ("202609"). Made by `members` and
    `organisations`."""

    version: str
    info: PlatformInfo
    retry_pause: float = RETRY_PAUSE

    @property
    def _pages(self) -> bool:
        return self.info.key == "linkedin_pages"

    def authorization_url(
        self, app: AppCredentials, redirect_uri: str, state: str, challenge: str | None
    ) -> str:
        """LinkedIn cannot be made to show account choice: the callback ends on a page that asks."""
        scopes = sorted(scope.name for scope in self.info.scopes)  # the same set reads the same
        return oauth.authorization_url(
            f"{login.OAUTH}/authorization", app.client_id, redirect_uri, scopes, state
        )

    async def exchange(self, call: Call, code: str, redirect_uri: str, verifier: str | None) -> Tokens:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return oauth.parse_tokens(await login.oauth_call(call, "/accessToken", form))

    async def refresh(self, call: Call, tokens: Tokens) -> Tokens:
        """The same refresh token comes back, with what is left of its life."""
        if tokens.refresh_token is None:
            raise PlatformError(NO_REFRESH_TOKEN)
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        return oauth.parse_tokens(await login.oauth_call(call, "/accessToken", form))

    async def revoke(self, call: Call, tokens: Tokens) -> bool:
        """The address is used by others and stands in no page: where it is not there, nothing was done."""
        response = await login.post_form(call, "/revoke", {"token": tokens.access_token})
        if reading.is_done(response):
            return True
        if response.status in (404, 405, 410):
            return False
        verdict = linkedin_errors.classify(response)
        if verdict.kind in (Kind.DEAD, Kind.TOKEN):
            return True
        raise PlatformError(verdict)

    async def discover(self, call: Call, tokens: Tokens) -> Discovery:
        """The person; for organisations, the Pages on which he may post."""
        with_openid = "openid" in self.info.required_scopes
        person = await login.person(call, tokens.access_token, with_openid, self.retry_pause)
        if not self._pages:
            return Discovery(person.id, person.name, (person,))
        desk = self._desk(call, Target("", "", tokens.access_token))
        return Discovery(person.id, person.name, await pages.accounts(desk))

    async def check_app(self, call: Call) -> bool:
        """Introspection speaks with the app's id and secret; a token that is none is not active to it."""
        body = await login.oauth_call(call, "/introspectToken", {"token": "none"})
        return isinstance(body.get("active"), bool)

    async def mint(self, call: Call, tokens: Tokens, account_id: str) -> str | None:
        return None

    async def probe(self, call: Call, target: Target) -> Account:
        """Introspection costs none of the person's quota; a Page needs its role as well."""
        seen = await login.oauth_call(call, "/introspectToken", {"token": target.token})
        verdict = login.standing(seen) or login.lacking(seen, self.info.required_scopes)
        if verdict is not None:
            raise PlatformError(verdict)
        if self._pages and not await pages.may_post(self._desk(call, target), target.account_id):
            raise PlatformError(ROLE_LOST)
        return Account(target.account_id, target.handle, target.handle)

    def check(self, content: Content) -> tuple[ContentProblem, ...]:
        return tuple(little.problems(content))

    def appearance(self, content: Content) -> Content:
        return little.appearance(content)

    async def prepare(self, call: Call, target: Target, content: Content, handles: Handles) -> Ready | Wait:
        return await linkedin_media.next_step(self._desk(call, target), content, handles)

    async def send(self, call: Call, target: Target, content: Content, handles: Handles) -> Sent:
        desk = self._desk(call, target)
        body: dict[str, object] = {
            "author": desk.author,
            "commentary": little.commentary(content),
            "visibility": "PUBLIC",
            "distribution": {
                "feedDistribution": "MAIN_FEED",
                "targetEntities": [],
                "thirdPartyDistributionChannels": [],
            },
            "lifecycleState": "PUBLISHED",
            "isReshareDisabledByAuthor": False,
        }
        if little.has_card(content):
            body |= {"content": {"article": {"source": content.link, "title": content.title}}}
        else:
            body |= linkedin_media.content_of(content, handles)
        response = await desk.ask("POST", "/posts", body=body)
        urn = oauth.word(response.headers.get("x-restli-id"))  # the body is empty
        if urn is None:
            raise PlatformError(Verdict(Kind.UNCLEAR, Reason.UNREADABLE, "no_id"))
        return Sent(urn, _permalink(urn))

    async def progress(self, call: Call, target: Target, handles: Handles, external_id: str | None) -> Sent:
        return Sent(external_id, _permalink(external_id) if external_id else None)

    async def look(
        self,
        call: Call,
        target: Target,
        content: Content,
        handles: Handles,
        since: datetime,
        taken: frozenset[str],
    ) -> Look:
        return Look(Found.UNKNOWN)  # a member's posts cannot be read back

    def _desk(self, call: Call, target: Target) -> linkedin_media.Desk:
        """On a Page the scopes were checked at linking, so that a denial speaks of the role."""
        kind = "organization" if self._pages else "person"
        return linkedin_media.Desk(
            self.version,
            call,
            target.token,
            f"urn:li:{kind}:{target.account_id}",
            needs=PAGE_POST if self._pages else MEMBER_POST,
            denied=Reason.ROLE_LOST if self._pages else Reason.PERMISSION_MISSING,
        )


def _permalink(urn: str) -> str:
    return f"https://www.linkedin.com/feed/update/{urn}/"
