"""Codes for checking in: signed, short-lived, good at one place or for one appointment.

The clinic's code hangs on a screen and is read by phones: whoever reads it stands there now. The
resident's code is on their phone and is read at the desk. Both are text in a QR code; the latter
has a number to say aloud too.
"""

import hmac
from datetime import datetime
from uuid import UUID

from backend import clock
from backend.clinic.errors import CodeRefused
from backend.crypto import Vault

PLACE, MINE = "JMKQ1", "JMKM1"  # what a code says it is, so that one can't stand for the other
PLACE_S = 60  # from making to the last use
MINE_S = 300
AHEAD_S = 5  # how far the clocks of two hosts may differ
DIGITS = 8


def of_place(vault: Vault, place_id: UUID) -> str:
    """For the clinic's screen. `place_id`: a schedule, a department or an institution."""
    return _signed(vault, PLACE, place_id, clock.now())


def of_appointment(vault: Vault, appointment_id: UUID) -> str:
    """For the resident's phone."""
    return _signed(vault, MINE, appointment_id, clock.now())


def _signed(vault: Vault, kind: str, about: UUID, at: datetime) -> str:
    made = int(at.timestamp())
    return f"{kind}.{about.hex}.{made}.{vault.index(kind, about.hex, str(made))[:32]}"


def read_place(vault: Vault, text: str) -> UUID:
    """The place whose screen shows it now. Raises CodeRefused."""
    return _read(vault, PLACE, text, PLACE_S)


def read_appointment(vault: Vault, text: str) -> UUID:
    """The appointment. Raises CodeRefused."""
    return _read(vault, MINE, text, MINE_S)


def _read(vault: Vault, kind: str, text: str, good_s: int) -> UUID:
    parts = text.strip().split(".")
    try:
        said, about, made, signature = parts
        about_id, made_s = UUID(about), int(made)
    except ValueError:
        raise CodeRefused from None
    signed = vault.index(kind, about_id.hex, str(made_s))[:32]
    age_s = int(clock.now().timestamp()) - made_s
    sound = hmac.compare_digest(signed.encode(), signature.encode()) and said == kind
    if not sound or not -AHEAD_S <= age_s <= good_s:
        raise CodeRefused
    return about_id


def number_of(vault: Vault, appointment_id: UUID) -> str:
    """Eight digits to say aloud at the desk, where they are looked up among that day's patients."""
    return f"{int(vault.index('checkin-number', appointment_id.hex)[:12], 16) % 10**DIGITS:08d}"
