"""The day at the clinic, as a resident sees it: check-in and one's place in the line."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.api.views.appointments import Status
from backend.api.views.fields import Form
from backend.clinic.queue import Spot

State = Literal["expected", "waiting", "called", "in_room", "skipped", "done", "left", "over"]


class CheckinForm(Form):
    """`code`: the text of the QR code on the clinic's screen."""

    code: Annotated[str, Meta(min_length=1, max_length=200)]


class CheckinView(msgspec.Struct):
    number: int
    late: bool
    checked_in_at: datetime

    @classmethod
    def of(cls, entry: Any) -> "CheckinView":
        return cls(entry.number, entry.late, entry.checked_in_at)


class CheckinCodeView(msgspec.Struct):
    """To be shown at the desk: `image` is a PNG as a data address, `number` is to say aloud."""

    code: str
    number: str
    image: str
    expires_at: datetime


class WaitView(msgspec.Struct):
    """Minutes: nobody knows better than from–to."""

    least: int
    most: int


class QueueView(msgspec.Struct):
    """`state`: expected (not checked in), waiting, called, in_room, skipped (called and not there),
    done, left, over. `ahead` counts whoever is with the doctor too."""

    appointment_id: UUID
    status: Status
    state: State
    number: int | None
    ahead: int
    wait: WaitView | None
    room: str
    calls: int
    late: bool
    checkin_opens_at: datetime
    checkin_closes_at: datetime
    stopped: bool

    @classmethod
    def of(cls, spot: Spot) -> "QueueView":
        status: Any = spot.status
        state: Any = spot.state
        wait = None
        if spot.least_min is not None and spot.most_min is not None:
            wait = WaitView(spot.least_min, spot.most_min)
        return cls(
            spot.appointment_id,
            status,
            state,
            spot.number,
            spot.ahead,
            wait,
            spot.room,
            spot.calls,
            spot.late,
            spot.opens_at,
            spot.closes_at,
            spot.stopped,
        )


class TicketForm(Form):
    appointment_id: UUID


class TicketView(msgspec.Struct):
    """Opens `/api/v1/queue/live?ticket=…`, a WebSocket that sends a QueueView whenever it changes.

    Good once, until `expires_at`.
    """

    ticket: str
    expires_at: datetime
