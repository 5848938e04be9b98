"""候补: who waits, in order, and the proof that a returned place went to the right one."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.booking.waitlist import proof, register, wording
from backend.booking.waitlist.register import RIGHT
from backend.errors import Malformed
from backend.web.page import Show, page, show
from backend.web.view import View


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """Texts, as a form that narrows a list sends its empty fields too."""

    department: Annotated[str, Meta(max_length=40)] = ""
    state: Literal["", "waiting", "offered", "placed", "left", "expired"] = ""


@page("GET", "/waitlist", right=RIGHT, query=Wanted)
async def waiting(view: View) -> Show:
    """The line, the first first; and the places it was asked about."""
    wanted: Wanted = view.query
    found, asked = await register.line_of(
        view.actor, department_id=_uuid(wanted.department), state=wanted.state or None
    )
    return show(
        "waitlist.html",
        items=found,
        asked=asked,
        full=len(found) == register.MOST,
        departments=await register.departments(view.actor),
        states=list(wording.STATES.items()),
        named=wording.STATES,
        department=wanted.department,
        state=wanted.state,
    )


@page("GET", "/waitlist/places/<slot_id:uuid>", right=RIGHT)
async def proved(view: View, slot_id: UUID) -> Show:
    """Each return of a place of one slot: who was passed and why, who got it."""
    rounds = await proof.prove(view.actor, slot_id)
    return show("waitlist_place.html", rounds=rounds, reasons=wording.REASONS)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Malformed(field="department") from None
