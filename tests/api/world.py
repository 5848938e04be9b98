"""A small world to probe: 王桂兰 with everything she has, her relatives, strangers, another county.

Her name, number, phone and openid are canaries: found in an answer, they are a leak.
"""

import dataclasses
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from tortoise import Tortoise

from backend import clock, db
from backend.booking import appointments
from backend.booking.desk import Desk
from backend.booking.models import Appointment, Fee, Slot
from backend.booking.waitlist import joining
from backend.chat import files
from backend.chat.models import Conversation
from backend.chat.reencoding import Made
from backend.consortium import directory
from backend.consortium.models import Consortium
from backend.crypto import Vault
from backend.draw import draws, entering
from backend.draw.models import Draw
from backend.hub import InProcessHub
from backend.identity import accounts, invitations
from backend.identity.access import Actor
from backend.identity.models import Carer, Session
from backend.inbox import scanning
from backend.notices import Notice
from backend.settings import Settings
from tests.chat.talks import a_talk, say
from tests.clinics import Clinic, a_clinic, a_schedule
from tests.people import Person, a_receipt, a_staff, an_id_number, log_in, register, vault_of
from tests.reminders.plans import a_plan
from tests.satisfaction.visits import a_visit
from tests.waits import a_wish

NAME, PHONE, OPENID = "欧阳翠花", "13912345678", "openid-canary-ouyang"
NUMBER = an_id_number(birth="19530817", order=46)
CHILD_NAME, CHILD_NUMBER = "欧阳小宝", an_id_number(birth="20200229", order=331)
FAR_NAME, FAR_OPENID = "司徒无恙", "openid-canary-situ"
FAR_NUMBER, FAR_PHONE = an_id_number(birth="19610203", order=77), "13787654321"
FAR_PLACE = "外县第一人民医院"
CANARIES = (
    NAME, PHONE, OPENID, NUMBER, CHILD_NAME, CHILD_NUMBER, FAR_NAME, FAR_OPENID, FAR_NUMBER,
    FAR_PHONE, FAR_PLACE,
)  # fmt: skip


@dataclass
class World:
    """Ids by what they are, tokens by role. `far_…` belongs to another consortium."""

    ids: dict[str, UUID]
    tokens: dict[str, str]
    actors: dict[str, Actor]
    places: dict[str, UUID]
    code: str
    secrets: list[str] = field(default_factory=list)


async def a_world(settings: Settings) -> World:
    vault = Vault(settings.keys, settings.index_key_bytes)
    tokens, actors = {}, {}
    for role, openid in (
        ("owner", OPENID), ("viewer", "openid-viewer"), ("expired", "openid-expired"),
        ("asking", "openid-asking"), ("outsider", "openid-outsider"), ("revoked", "openid-gone"),
        ("helper", "openid-helper"), ("neighbour", "openid-neighbour"),
    ):  # fmt: skip
        tokens[role], actors[role] = await log_in(settings, openid)
    owner = actors["owner"]
    await accounts.set_phone(owner, vault, PHONE)
    me = await register(owner, settings, name=NAME, id_number=NUMBER, phone=PHONE)
    child = await register(
        owner, settings, name=CHILD_NAME, id_number=CHILD_NUMBER, relation="parent"
    )
    await register(actors["outsider"], settings, name="赵强", id_number=an_id_number(order=35))
    stranger = await register(
        actors["neighbour"], settings, name="钱多", id_number=an_id_number(order=33)
    )
    asked = await register(
        actors["asking"], settings, name=NAME, id_number=NUMBER, relation="child"
    )
    viewer = await _carer(settings, me.patient_id, actors["viewer"], scope="view")
    helper = await _carer(settings, me.patient_id, actors["helper"], scope="book")
    await _carer(
        settings,
        me.patient_id,
        actors["expired"],
        scope="manage",
        expires_at=clock.now() - timedelta(seconds=1),
    )
    await Session.filter(id=actors["revoked"].session_id).update(revoked_at=clock.now())
    code, invitation = await invitations.invite(
        owner, me.patient_id, scope="book", expires_at=None, receipt=a_receipt(owner)
    )
    clinic = await a_clinic(settings)
    await Fee.create(
        id=uuid4(), consortium_id=settings.consortium_id, organization=clinic.organization,
        kind="general", amount_fen=1200, item="普通门诊诊察费",
    )  # fmt: skip
    booked = await _booked(settings, clinic, owner, me.patient_id, confirm=True)
    held = await _booked(settings, clinic, owner, child.patient_id, confirm=False)
    places = {
        name: (await a_schedule(settings, await a_clinic(settings), capacity=20))[0].id
        for name in ("free", "spare", "third")
    }
    full = await a_clinic(settings)
    wait = await _waiting(await a_clinic(settings), owner, me.patient_id)
    drawn, entered = await _draw(settings), await _draw(settings)
    await entering.enter(
        owner, vault_of(settings), entered.id, me.patient_id, receipt=a_receipt(owner)
    )
    slot = await Slot.get(id=booked["slot"])
    far = await _far_county(settings)
    directory.forget()
    await scanning.scan()
    elsewhere = await a_clinic(settings)
    missed = await _booked(settings, elsewhere, owner, me.patient_id, confirm=True)
    await Appointment.filter(id=missed["appointment"]).update(
        status="no_show", held_on=clock.today()
    )
    _, seen = await a_visit(settings, Person(owner, me.patient_id))
    talk, closed = await _asked(owner, me.patient_id), await _asked(owner, me.patient_id)
    await Conversation.filter(id=closed).update(state="closed", closed_at=clock.now())
    ids = {
        "patient": me.patient_id,
        "child": child.patient_id,
        "stranger": stranger.patient_id,
        "appointment": booked["appointment"],
        "held": held["appointment"],
        "missed": missed["appointment"],
        "seen": seen.id,
        "slot": booked["slot"],
        "schedule": slot.schedule_id,
        "organization": clinic.organization.id,
        "department": clinic.department.id,
        "practitioner": clinic.practitioner.id,
        "carer": viewer.id,
        "asked": asked.id,
        "helper_carer": helper.id,
        "invitation": invitation.id,
        "session": owner.session_id or uuid4(),
        "account": owner.account_id,
        "message": (await _told(owner)).id,
        "full_department": full.department.id,
        "wait": wait,
        "conversation": talk,
        "said": (await say(owner, InProcessHub(), talk)).id,
        "closed_talk": closed,
        "attachment": await _uploaded(owner, vault, talk),
        "plan": (await a_plan(Person(owner, me.patient_id))).id,
        "draw": drawn.id,
        "drawn_schedule": drawn.schedule_id,
        "entered_draw": entered.id,
    }
    return World(ids | far, tokens, actors, places, code, [code])


async def _draw(settings: Settings) -> Draw:
    """Announced, and open for a day."""
    clinic = await a_clinic(settings, tier="county")
    slot = (await a_schedule(settings, clinic, on=clock.today() + timedelta(days=10)))[0]
    return await draws.announce(
        a_staff(settings, "consortium_admin"), vault_of(settings), slot.schedule_id,
        opens_at=clock.now(), closes_at=clock.now() + timedelta(days=1),
    )  # fmt: skip


async def _carer(settings: Settings, patient_id: UUID, actor: Actor, **facts: Any) -> Carer:
    return await Carer.create(
        id=uuid4(), consortium_id=settings.consortium_id, patient_id=patient_id,
        account_id=actor.account_id, relation="other", state="active", created_at=clock.now(),
        **facts,
    )  # fmt: skip


async def _booked(
    settings: Settings, clinic: Clinic, actor: Actor, patient_id: UUID, *, confirm: bool
) -> dict[str, UUID]:
    slot = (await a_schedule(settings, clinic, capacity=20))[0]
    ticket = await appointments.book(
        actor, Desk(queue_most=10), slot_id=slot.id, patient_id=patient_id, confirm=confirm,
        receipt=a_receipt(actor),
    )  # fmt: skip
    return {"slot": slot.id, "appointment": ticket.id}


async def _waiting(clinic: Clinic, actor: Actor, patient_id: UUID) -> UUID:
    """Waits on days of which nothing is published."""
    waits = await joining.join(actor, a_wish(clinic), [patient_id], receipt=a_receipt(actor))
    return waits[0].id


async def _asked(actor: Actor, patient_id: UUID) -> UUID:
    return await a_talk(actor, patient_id)


async def _uploaded(actor: Actor, vault: Vault, conversation_id: UUID) -> UUID:
    upload = files.Upload("upload-0001", "image", b"as it came")
    made = Made(b"the picture", b"the thumbnail", 3, 2)
    return (await files.keep(actor, vault, conversation_id, upload, made)).id


async def _told(actor: Actor) -> Notice:
    return await Notice.get(account_id=actor.account_id, kind="booked")


async def _far_county(settings: Settings) -> dict[str, UUID]:
    """Another consortium in the same database, with a patient and an appointment of its own."""
    elsewhere = dataclasses.replace(settings, consortium="elsewhere")
    await Consortium.create(id=elsewhere.consortium_id, code="elsewhere", name="外县医共体")
    clinic = await a_clinic(elsewhere, name=FAR_PLACE)
    _, actor = await log_in(elsewhere, FAR_OPENID)
    far = await register(actor, elsewhere, name=FAR_NAME, id_number=FAR_NUMBER, phone=FAR_PHONE)
    booked = await _booked(elsewhere, clinic, actor, far.patient_id, confirm=True)
    slot = await Slot.get(id=booked["slot"])
    await scanning.scan()
    return {
        "far_patient": far.patient_id,
        "far_appointment": booked["appointment"],
        "far_slot": slot.id,
        "far_schedule": slot.schedule_id,
        "far_organization": clinic.organization.id,
        "far_department": clinic.department.id,
        "far_practitioner": clinic.practitioner.id,
        "far_carer": far.id,
        "far_session": actor.session_id or uuid4(),
        "far_message": (await _told(actor)).id,
        "far_conversation": (asked := await _asked(actor, far.patient_id)),
        "far_attachment": await _uploaded(actor, vault_of(elsewhere), asked),
        "far_plan": (await a_plan(Person(actor, far.patient_id))).id,
        "far_wait": await _waiting(await a_clinic(elsewhere), actor, far.patient_id),
    }


async def dump(but: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """Every row of every table as text, by table: to compare, or to search."""
    found = {}
    for model in Tortoise.apps["jiamenkou"].values():
        table = model._meta.db_table
        if table not in but:
            rows = await db.fetch(f"SELECT * FROM {table}")
            found[table] = sorted(repr(sorted(dict(row).items())) for row in rows)
    return found
