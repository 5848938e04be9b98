"""The second factor: time-based one-time passwords (RFC 6238: SHA-1, 6 digits, 30 s).

A code is good once: the step in which it was taken is kept, and none before it counts any more.
"""

import hmac
import io
from datetime import datetime
from urllib.parse import quote

import pyotp
import segno

STEP_S = 30
DRIFT = 1  # steps by which a phone's clock may be off, either way
COLUMN = "staff.totp"  # what the sealed key is bound to
ISSUER = "家门口"


def new_key() -> str:
    """160 random bits, in base32 as authenticators want it."""
    return pyotp.random_base32()


def step_of(key: str, code: str, *, at: datetime, after: int) -> int | None:
    """The step whose code this is, if it is near `at` and later than `after`; else None."""
    now = int(at.timestamp()) // STEP_S
    maker = pyotp.TOTP(key)
    for step in range(now - DRIFT, now + DRIFT + 1):
        expected = maker.generate_otp(step)
        if hmac.compare_digest(expected.encode(), code.encode()) and step > after:
            return step
    return None


def code_at(key: str, at: datetime) -> str:
    """What an authenticator shows then."""
    return pyotp.TOTP(key).generate_otp(int(at.timestamp()) // STEP_S)


def address(key: str, username: str, issuer: str = ISSUER) -> str:
    """`otpauth://…`, as it stands in the QR code."""
    return pyotp.TOTP(key).provisioning_uri(name=username, issuer_name=issuer)


def picture(key: str, username: str) -> str:
    """The QR code as a `data:` URL of an SVG, for an `<img>`.

    It holds the key: show it on the page of enrolment only.
    """
    drawn = io.BytesIO()
    segno.make(address(key, username), error="m").save(
        drawn, kind="svg", scale=5, border=4, light="#fff", xmldecl=False, svgns=True
    )
    return "data:image/svg+xml," + quote(drawn.getvalue().decode())


def grouped(key: str) -> str:
    """The key for typing, in groups of four."""
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))
