"""A pass opens one socket: browsers send no log-in with it, and addresses end up in logs.

Good once and for seconds, kept in the hub.
"""

import secrets

from backend.hub import Hub

BYTES = 24
TEXT_LENGTH = 32  # of so many bytes as base64url


async def issue(hub: Hub, what: bytes, *, good_s: float) -> str:
    """A new one that stands for `what`."""
    text = secrets.token_urlsafe(BYTES)
    await hub.set(f"ticket:{text}", what, good_s)
    return text


async def redeem(hub: Hub, text: str, *, good_s: float) -> bytes | None:
    """What it stands for, once. None: unknown, too old, or used."""
    if not text.isascii() or len(text) != TEXT_LENGTH:
        return None
    known = await hub.get(f"ticket:{text}")
    # Claimed by a holder of this moment: of two who come with it, one gets in.
    if known is None or not await hub.claim(
        f"ticket-used:{text}", secrets.token_hex(8), 2 * good_s
    ):
        return None
    return known
