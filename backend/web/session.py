"""The cookie of a staff log-in, what protects its POSTs, and a message for the next page.

`__Host-` keeps other hosts and plain http from setting the cookie; browsers count 127.0.0.1 and
localhost as secure, so the demo works without TLS.
"""

import base64
import binascii
import hmac
import re
from urllib.parse import urlsplit

from sanic import Request

from backend.crypto import Vault
from backend.errors import NotAllowed
from backend.identity.sessions import token_hash

COOKIE = "__Host-staff"
FLASH = "__Host-flash"
ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax"
HEADER = "x-csrf-token"
FIELD = "csrf"
FLASH_S = 60
FLASH_MOST = 200  # characters
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
# A page of ours; no other host, no scheme, nothing that a browser reads as one.
NEXT = re.compile(r"/staff/[A-Za-z0-9_.~/?&=%+:,-]*")
NEXT_MOST = 500


class Forged(NotAllowed):
    """Not from a page of ours, or of another log-in."""

    code = "forged"
    title = "请求未被接受"
    detail = "页面已过期，或者请求不是从本系统的页面发出的。请刷新页面后再试。"


def token_of(request: Request) -> str:
    """The token in the cookie; empty without one."""
    token = cookies(request).get(COOKIE, "")
    return token if TOKEN.fullmatch(token) else ""


def cookies(request: Request) -> dict[str, str]:
    """By name; of one that comes twice, nothing: somebody else may have set the other."""
    found: dict[str, str] = {}
    twice = set()
    for part in request.headers.get("cookie", "").split(";"):
        name, _, value = part.strip().partition("=")
        if name in found:
            twice.add(name)
        found[name] = value
    return {name: value for name, value in found.items() if name not in twice}


def opened(token: str) -> str:
    """The `Set-Cookie` that keeps a log-in until the browser is closed."""
    return f"{COOKIE}={token}; {ATTRIBUTES}"


def closed() -> str:
    return f"{COOKIE}=; {ATTRIBUTES}; Max-Age=0"


def csrf(vault: Vault, token: str) -> str:
    return vault.index("staff-csrf", token_hash(token))


def check_origin(request: Request) -> None:
    """Raises Forged: the browser says that another site asks, or does not say who does."""
    headers = request.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is None and origin is None:
        raise Forged
    if site is not None and site != "same-origin":
        raise Forged
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        raise Forged


def check_csrf(request: Request, vault: Vault, sent: str) -> None:
    """Raises Forged."""
    given = request.headers.get(HEADER) or sent
    if not hmac.compare_digest(given.encode(), csrf(vault, token_of(request)).encode()):
        raise Forged


def flashed(vault: Vault, text: str) -> str:
    """The `Set-Cookie` with a message for the next page. Signed: nobody else puts words there."""
    packed = base64.urlsafe_b64encode(text[:FLASH_MOST].encode()).decode()
    return f"{FLASH}={packed}.{vault.index('flash', packed)}; {ATTRIBUTES}; Max-Age={FLASH_S}"


def flash_of(vault: Vault, request: Request) -> str:
    """The message for this page; empty without a good one."""
    packed, _, seal = cookies(request).get(FLASH, "").partition(".")
    if not packed or not hmac.compare_digest(seal, vault.index("flash", packed)):
        return ""
    try:
        return base64.urlsafe_b64decode(packed).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def flash_shown() -> str:
    return f"{FLASH}=; {ATTRIBUTES}; Max-Age=0"


def safe_next(wanted: str | None) -> str:
    """A page of ours to go on to after the log-in; home for anything else."""
    if wanted and len(wanted) <= NEXT_MOST and NEXT.fullmatch(wanted):
        if "//" not in wanted and ".." not in wanted and not wanted.startswith("/staff/login"):
            return wanted
    return "/staff/"
