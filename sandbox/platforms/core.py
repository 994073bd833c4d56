"""What every twin does alike: one call with its faults, hosts with their unknown paths, lost answers.

A twin's handler gets a `Call`, says who it is about as soon as it knows (`await call.about(account)`), and
returns a response or raises `Refused`. Faults of the whole platform are met before the handler starts,
those of one account at `about`, and an answer is lost after the handler did its work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.types import Receive, Scope, Send

from sandbox.platforms.faults import Fault
from sandbox.platforms.model import Account, Grant, Presented, Token
from sandbox.world import PlatformWorld

CALLS = frozenset({"token", "refresh", "probe", "publish", "prepare"})
API = frozenset({"probe", "publish", "prepare"})
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
DEFAULT_SLOWNESS = 5.0  # seconds

templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, trim_blocks=True
)


class Refused(Exception):
    """Ends a call with this response."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


@dataclass(frozen=True)
class Rule:
    """How a platform words one kind of fault, and on which groups of calls it has that fault at all."""

    groups: frozenset[str]
    answer: Callable[[Call, Fault], Response]


@dataclass(frozen=True)
class Manners:
    """What differs between platforms in the common course of a call.

    `losable` are the scopes that a `scope_removed` without a name takes away.
    """

    platform: str
    unavailable: Callable[[Call], Response]
    rules: Mapping[str, Rule]
    losable: frozenset[str] = frozenset()


@dataclass
class Call:
    """One request on its way through a twin."""

    world: PlatformWorld
    manners: Manners
    request: Request
    group: str
    account: str = ""
    through: str = ""
    token: Token | None = None
    headers: dict[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    @property
    def platform(self) -> str:
        return self.manners.platform

    @property
    def whose(self) -> tuple[str, ...]:
        """Whose faults concern this call: the platform's, the account's, the person's who lent his rights."""
        return ("", *(name for name in (self.account, self.through, *self.others) if name))

    async def start(self) -> None:
        """Meet the faults of the whole platform. Raises Refused."""
        await self._meet(("",))

    async def about(self, account: str, through: str = "") -> None:
        """Say whose call this is, and through whose consent; meets both accounts' faults. Raises Refused."""
        if not self.account:
            self.account, self.through = account, "" if through == account else through
            await self._meet(self.whose[1:])

    async def also(self, account: str) -> None:
        """Say for whom the call is beside (a member's organisation); meets its faults too. Raises Refused."""
        if account not in self.whose:
            self.others = (*self.others, account)
            await self._meet((account,))

    def fault(self, *kinds: str, serial: int = 0) -> Fault | None:
        """Meet a fault that the twin plays itself; None when there is none."""
        fault = self.world.faults.take(kinds, self.platform, self.whose, self.group, serial)
        if fault is not None:
            self._note(fault)
        return fault

    async def present(self, value: str) -> Presented:
        """Present a token: into the ledger, then the faults of its account. Raises Refused."""
        presented = self.world.present(self.platform, value, endpoint=self.request.url.path, group=self.group)
        if presented.token is not None:
            self.token = presented.token
            await self.about(presented.token.account, presented.grant.account if presented.grant else "")
        return presented

    def scopes(self, grant: Grant) -> frozenset[str]:
        """What the grant still allows."""
        fault = self.fault("scope_removed", serial=grant.serial)
        if fault is None:
            return grant.scopes
        return grant.scopes - (frozenset(fault.text.split()) or self.manners.losable)

    def who(self) -> Account:
        """The account that the call is about, as it is now."""
        return self.world.accounts[self.platform, self.account]

    async def _meet(self, accounts: tuple[str, ...]) -> None:
        def take(*kinds: str) -> Fault | None:
            fault = self.world.faults.take(kinds, self.platform, accounts, self.group)
            if fault is not None:
                self._note(fault)
            return fault

        if slow := take("slow"):
            await asyncio.sleep(DEFAULT_SLOWNESS if slow.value is None else slow.value)
        if take("lost_before"):
            raise Refused(Dropped())
        if take("unavailable"):
            raise Refused(self.manners.unavailable(self))
        if take("html_error"):
            raise Refused(bad_gateway())
        kinds = [kind for kind, rule in self.manners.rules.items() if self.group in rule.groups]
        if fault := take(*kinds):
            raise Refused(self.manners.rules[fault.kind].answer(self, fault))

    def _note(self, fault: Fault) -> None:
        self.world.ledger.write(
            "fault_met",
            self.platform,
            self.account,
            kind=fault.kind,
            fault=fault.id,
            group=self.group,
            endpoint=self.request.url.path,
        )


Handler = Callable[[Call], Awaitable[Response]]


def endpoint(
    world: PlatformWorld,
    manners: Manners,
    path: str,
    method: str,
    group: str | Callable[[Request], Awaitable[str]],
    handler: Handler,
) -> Route:
    """A route whose handler runs among the faults.

    `group` is what faults can be limited to; a function where it depends on the request's body.
    """

    async def run(request: Request) -> Response:
        await request.body()  # the request has arrived as a whole, whoever hangs up from here on
        call = Call(world, manners, request, group if isinstance(group, str) else await group(request))
        try:
            await call.start()
            response = await handler(call)
        except Refused as refused:
            response = refused.response
        finally:
            await request.close()
        if response.status_code < 400 and not isinstance(response, Dropped) and call.fault("lost_after"):
            return Dropped()
        response.headers.update(call.headers)
        return response

    return Route(path, run, methods=[method])


def host(name: str, routes: Sequence[Route], unknown: Callable[[Request, bool], Response]) -> BaseRoute:
    """Everything of one host under `/NAME`.

    `unknown(request, known_path)` words the platform's answer to a path that it has not, or has only for
    other methods.
    """

    async def fallback(request: Request) -> Response:
        inside = any(route.matches(request.scope)[0] is Match.PARTIAL for route in routes)
        return unknown(request, inside)

    return Mount(f"/{name}", routes=[*routes, Route("/{rest:path}", fallback, methods=METHODS)])


class Dropped(Response):
    """No answer at all: the connection is cut before a byte of one was sent."""

    def __init__(self) -> None:
        super().__init__(status_code=204)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut the server's transport. Raises RuntimeError under a server whose transport is out of reach."""
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if transport is None:
            raise RuntimeError("answers can be lost only under uvicorn, without a wrapper around receive")
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass


def bad_gateway() -> Response:
    """The HTML page that load balancers answer with."""
    page = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
    return HTMLResponse(page, status_code=502)


def html(template: str, status: int = 200, **values: Any) -> Response:
    """A page from a template of this package."""
    return HTMLResponse(templates.get_template(template).render(**values), status_code=status)


def bearer(request: Request) -> str:
    """The bearer token of the Authorization header, or ""."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


async def form_of(request: Request) -> dict[str, str]:
    """The text fields of a form body; files are left out, of repeated fields the last one stands."""
    return {key: value for key, value in (await request.form()).multi_items() if isinstance(value, str)}
