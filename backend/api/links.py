"""Addresses that open without a log-in for a few minutes: for browsers, printers and calendars."""

import hmac
from datetime import datetime, timedelta
from uuid import UUID

from backend import clock, errors
from backend.api.route import PREFIX, Call
from backend.api.service import Service
from backend.api.views.appointments import LinksView
from backend.api.views.conversations import AttachmentView, Link
from backend.chat.messages import Enclosed
from backend.crypto import Vault
from backend.identity.access import Actor

GOOD_FOR = timedelta(minutes=10)
PAPER, FILE = "link", "file"  # what a key opens


def make_links(call: Call, appointment_id: UUID) -> LinksView:
    """The key names the account, so whatever it may no longer see stays shut."""
    expires_at = clock.now() + GOOD_FOR
    key = _key(call, PAPER, appointment_id, call.actor.account_id, int(expires_at.timestamp()))
    base = f"{call.service.settings.public_url}{PREFIX}/appointments/{appointment_id}"
    return LinksView(f"{base}/slip?key={key}", f"{base}.ics?key={key}", expires_at)


def linker(service: Service, account_id: UUID) -> Link:
    """Shows attachments with addresses for `<image>`, which sends no log-in.

    They are good for this account, and stay the same for five minutes, so that phones keep them.
    """
    step = int(GOOD_FOR.total_seconds()) // 2
    expires = (int(clock.now().timestamp()) // step + 2) * step

    def link(found: Enclosed) -> AttachmentView:
        key = _sign(service.vault, FILE, found.id, account_id, expires)
        url = f"{service.settings.public_url}{PREFIX}/attachments/{found.id}"
        small = f"{url}/thumbnail?key={key}" if found.kind == "image" else None
        return AttachmentView.of(found, f"{url}?key={key}", small)

    return link


def _key(call: Call, purpose: str, thing_id: UUID, account_id: UUID, expires: int) -> str:
    return _sign(call.service.vault, purpose, thing_id, account_id, expires)


def _sign(vault: Vault, purpose: str, thing_id: UUID, account_id: UUID, expires: int) -> str:
    signed = vault.index(purpose, str(thing_id), str(account_id), str(expires))
    return f"{expires}.{account_id.hex}.{signed}"


async def actor_of(call: Call, thing_id: UUID, purpose: str = PAPER) -> Actor:
    """Whoever the key or the log-in stands for. Raises Unauthenticated."""
    if call.query.key is None:
        scheme, _, token = call.request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise errors.Unauthenticated
        return await call.service.sessions.verify(token)
    try:
        expires, account, _ = call.query.key.split(".")
        account_id = UUID(account)
        expected = _key(call, purpose, thing_id, account_id, int(expires))
        in_time = datetime.fromtimestamp(int(expires), clock.now().tzinfo) > clock.now()
    except (ValueError, OverflowError, OSError):
        raise errors.Unauthenticated from None
    if not in_time or not hmac.compare_digest(expected.encode(), call.query.key.encode()):
        raise errors.Unauthenticated("这个链接已失效，请回到小程序重新打开。")
    return Actor(call.actor.consortium_id, "resident", account_id)
