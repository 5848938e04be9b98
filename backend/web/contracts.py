"""签约居民: a doctor's residents, contracts at the desk, and places booked ahead for a resident."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from backend import clock
from backend.booking import priority
from backend.booking.errors import AlreadyBooked
from backend.identity import contracts
from backend.identity.documents import age_on
from backend.web import kept_places, places
from backend.web.kept_places import PlaceForm, Where
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

RIGHT, ALL = "contract.edit", "contract.oversee"
SEXES = {"male": "男", "female": "女"}


class Whose(msgspec.Struct, forbid_unknown_fields=True):
    """Of which doctor; None: of whoever looks. `after`: where the page begins."""

    doctor: UUID | None = None
    after: UUID | None = None


class ContractForm(msgspec.Struct):
    organization: UUID
    doctor: UUID
    name: Annotated[str, Meta(min_length=1, max_length=60)]
    id_number: Annotated[str, Meta(min_length=15, max_length=30)]
    from_on: date
    package: Annotated[str, Meta(max_length=40)] = ""
    to_on: date | None = None


@page("GET", "/contracts", right=RIGHT, query=Whose)
async def residents(view: View) -> Show:
    """One's residents; administrators choose a doctor."""
    wanted: Whose = view.query
    oversees = view.may(ALL)
    doctor = wanted.doctor or view.actor.practitioner_id
    found: list[contracts.Resident] = []
    following: UUID | None = None
    if doctor is not None:
        found, following = await contracts.residents_of(view.actor, doctor, after=wanted.after)
    today = clock.today()
    return show(
        "contracts.html",
        residents=[(one, age_on(one.birth_on, today)) for one in found],
        following=following,
        doctor=str(doctor or ""),
        mine=doctor is not None and doctor == view.actor.practitioner_id,
        doctors=await _doctors(view) if oversees else [],
        sexes=SEXES,
    )


@page("GET", "/contracts/new", right=RIGHT)
async def ask(view: View) -> Show:
    """A contract to fill in, with the resident and their identity card at the desk."""
    own = view.actor.practitioner_id
    return show(
        "contract_new.html",
        institutions=places.options_of(await places.institutions(view, RIGHT)),
        doctors=await _doctors(view),
        own=str(own or ""),
    )


@page("POST", "/contracts", right=RIGHT, form=ContractForm, on_fault=ask)
async def sign(view: View, form: ContractForm) -> Go:
    """Write it down."""
    await contracts.sign(
        view.actor,
        view.service.vault,
        contracts.NewContract(
            organization_id=form.organization,
            practitioner_id=form.doctor,
            name=form.name.strip(),
            id_number=form.id_number,
            package=form.package,
            from_on=form.from_on,
            to_on=form.to_on,
        ),
    )
    whose = "" if form.doctor == view.actor.practitioner_id else f"?doctor={form.doctor}"
    return go(f"/contracts{whose}", "签约已登记。")


@page("POST", "/contracts/<contract_id:uuid>/end", right=RIGHT)
async def end(view: View, contract_id: UUID) -> Go:
    """End it now."""
    await contracts.end(view.actor, contract_id)
    return go("/contracts", "已解除签约。")


async def _doctors(view: View) -> places.Options:
    """Doctors of one's institutions; whoever is only a doctor: themselves."""
    found: places.Options = []
    own = view.actor.practitioner_id
    for org in await places.institutions(view, RIGHT):
        if view.may(ALL, org.id):
            there = await places.doctors(view, org.id)
            found += [(key, f"{name}（{org.name}）") for key, name in there]
        elif own is not None:
            found += [one for one in await places.doctors(view, org.id) if one[0] == str(own)]
    return list(dict(found).items())


# --- a place for a resident -----------------------------------------------------------------------


@page("GET", "/contracts/<patient_id:uuid>/book", right=priority.RIGHT, query=Where)
async def choose(view: View, patient_id: UUID) -> Show:
    """Department, then doctor and time: what is kept for family doctors and free."""
    resident = await contracts.show(view.actor, patient_id, priority.RIGHT)
    return show(
        "kept_places.html",
        name=resident.name,
        base=f"/staff/contracts/{patient_id}/book",
        back="/staff/contracts",
        **await kept_places.choices(view),
    )


@page("POST", "/contracts/<patient_id:uuid>/book", right=priority.RIGHT, query=Where,
      form=PlaceForm, on_fault=choose)  # fmt: skip
async def book(view: View, patient_id: UUID, form: PlaceForm) -> Go:
    """Book it; the resident is told in the mini-program."""
    try:
        ticket = await priority.book(
            view.actor, view.service.desk, slot_id=form.slot, patient_id=patient_id
        )
    except AlreadyBooked:  # a second click, or the resident was quicker
        return go("/contracts", "这位居民在这个班次已经有号，不用再约。")
    when = ticket.place.starts_at.astimezone(clock.SHANGHAI)
    where = f"{ticket.place.organization}{ticket.place.department}"
    return go("/contracts", f"约好了：{ticket.patient_name}，{when:%m月%d日 %H:%M}，{where}。")
