"""One request to a page: who asks, with what, and what a form said that could not be taken."""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from sanic import Request

from backend.api.service import Service
from backend.consortium.directory import Directory
from backend.errors import Unauthenticated
from backend.identity.access import Actor, Grant
from backend.staff.sessions import LogIn
from backend.staff.wording import EVERYWHERE
from backend.web import nav, session
from backend.web.forms import Sent

MANY = (list, tuple, set, frozenset)


@dataclass(slots=True)
class View:
    """Handed to handlers, and to templates as `view`.

    `query`: the decoded query string. `faults`: what to mend, by field; "" is the form as a whole.
    `institution`: for which one works, for the head of the page.
    """

    request: Request
    service: Service
    login: LogIn | None = None
    query: Any = None
    sent: Sent = field(default_factory=Sent)
    faults: dict[str, str] = field(default_factory=dict)
    flash: str = ""
    institution: str = ""

    @property
    def actor(self) -> Actor:
        """For verbs. Whoever is not logged in may nothing."""
        if self.login is None:
            return Actor(self.service.settings.consortium_id, "anonymous")
        return self.login.actor

    @property
    def known(self) -> LogIn:
        """The log-in, on pages that need one. Raises Unauthenticated."""
        if self.login is None:
            raise Unauthenticated
        return self.login

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def htmx(self) -> bool:
        """Whether only a part of the page is asked for."""
        return self.request.headers.get("hx-request") == "true"

    @property
    def csrf(self) -> str:
        """What every POST of this log-in brings along."""
        return session.csrf(self.service.vault, session.token_of(self.request))

    @property
    def entries(self) -> list[nav.Entry]:
        """The navigation, by rights."""
        return nav.entries(self.actor) if self.login and self.login.whole else []

    def may(self, right: str, organization_id: Any = None) -> bool:
        return self.login is not None and self.actor.may(right, organization_id)

    def fresh_id(self, name: str = "id") -> str:
        """Of what the form will make, so that a second send makes nothing more; another one where
        just this was refused."""
        return (not self.faults.get(name) and self.sent.one(name)) or str(uuid4())

    def typed(self, name: str, otherwise: Any = "") -> Any:
        """What was typed into the field before the form came back, or `otherwise`."""
        if not self.sent.values:
            return "" if otherwise is None else otherwise
        return self.sent.one(name)

    def chosen(self, name: str, value: Any, otherwise: Any = ()) -> bool:
        """Whether this option or box was chosen before the form came back, or is in `otherwise`."""
        if not self.sent.values:
            many = otherwise if isinstance(otherwise, MANY) else [otherwise]
            return str(value) in {str(one) for one in many}
        return str(value) in self.sent.values.get(name, [])


def place_of(grant: Grant, county: Directory) -> str:
    """The name of the institution for which a role was given; of all below it, it is the top."""
    within = grant.organization_ids
    if within is None:
        return EVERYWHERE
    known = (county.organizations[one] for one in within if one in county.organizations)
    tops = sorted(org.name for org in known if org.parent_id not in within)
    return tops[0] if tops else "已停用的机构"
