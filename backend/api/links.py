"""Addresses that open without a log-in for a few minutes: for browsers, printers and calendars."""

import hmac
from datetime import datetime, timedelta
from uuid import UUID

from backend import clock, errors
from backend.api.route import PREFIX, Call
from backend.api.views.appointments import LinksView
from backend.identity.access import Actor

GOOD_FOR = timedelta(minutes=10)


def make_links(call: Call, appointment_id: UUID) -> LinksView:
    """The key names the account, so whatever it may no longer see stays shut."""
    expires_at = clock.now() + GOOD_FOR
    key = _key(call, appointment_id, call.actor.account_id, int(expires_at.timestamp()))
    base = f"{call.service.settings.public_url}{PREFIX}/appointments/{appointment_id}"
    return LinksView(f"{base}/slip?key={key}", f"{base}.ics?key={key}", expires_at)


def _key(call: Call, appointment_id: UUID, account_id: UUID, expires: int) -> str:
    signed = call.service.vault.index("link", str(appointment_id), str(account_id), str(expires))
    return f"{expires}.{account_id.hex}.{signed}"


async def actor_of(call: Call, appointment_id: UUID) -> Actor:
    """Whoever the key or the log-in stands for. Raises Unauthenticated."""
    if call.query.key is None:
        scheme, _, token = call.request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise errors.Unauthenticated
        return await call.service.sessions.verify(token)
    try:
        expires, account, _ = call.query.key.split(".")
        account_id = UUID(account)
        expected = _key(call, appointment_id, account_id, int(expires))
        in_time = datetime.fromtimestamp(int(expires), clock.now().tzinfo) > clock.now()
    except (ValueError, OverflowError, OSError):
        raise errors.Unauthenticated from None
    if not in_time or not hmac.compare_digest(expected.encode(), call.query.key.encode()):
        raise errors.Unauthenticated("这个链接已失效，请回到小程序重新打开。")
    return Actor(call.actor.consortium_id, "resident", account_id)
