"""The demo's conversations: 王奶奶 has a family doctor, has asked, waits, and has been answered;
her doctor has written what she takes, and when to look again.

Made once, by the same verbs as everybody's: what the program answers is what its rules say today.
"""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from backend import clock
from backend.booking.desk import Desk
from backend.chat import answering, canned, conversations, ending, marks, rating, staffing, taking
from backend.chat.messages import Draft
from backend.chat.models import Conversation
from backend.chat.reception import Reception
from backend.chat.rulebook import Rulebook
from backend.chat.working_time import Hours
from backend.consortium.models import Organization
from backend.crypto import Vault
from backend.hub import InProcessHub
from backend.identity import contracts, documents, patients
from backend.identity.access import Actor
from backend.identity.contracts import NewContract
from backend.identity.patients import NewPatient
from backend.identity.sessions import account_of
from backend.ids import new_id
from backend.receipts import Receipt
from backend.reminders import follow_ups, medication_plans
from backend.reminders.dosage import Dosage, last_day
from backend.reminders.follow_ups import Wanted
from backend.reminders.timetable import Timing
from backend.settings import Settings
from backend.staff.models import Staff, StaffRole
from backend.staff.sessions import grants_of
from backend.wechat.simulator.state import openid_of

USER, NAME, DOCTOR, ADMIN = "wang-nainai", "王桂兰", "doctor-xu", "township"
BORN = "33000019540312002"  # of a place that no number has; the last character is reckoned
DAYS = tuple(Hours(day, 8 * 60, 20 * 60) for day in range(1, 8))
READY = (
    ("量血压", "{患者}您好，请早晚各量一次血压，坐五分钟再量，记下来发给我。"),
    ("来看看", "请带上医保卡，{预约时间}来{机构}，我在门诊等您。"),
)


class Talk(NamedTuple):
    """What she says; what the doctor answers, if anything; how it ends, if it does."""

    says: tuple[str, ...]
    answer: str = ""
    says_more: str = ""
    stars: int = 0


TALKS = (
    Talk(("感冒三天了，不发烧，有点咳嗽",), "多喝水、多休息。三天后还咳就来卫生院看看。", stars=5),
    Talk(("血压药快吃完了", "还有一个星期的量"), "好的，先告诉我这几天的血压。", "早上 138/86"),
    Talk(("这两天膝盖疼，下楼更疼",)),
)


async def load(settings: Settings) -> None:
    """Where nobody has asked yet."""
    if await Conversation.filter(consortium_id=settings.consortium_id).exists():
        return
    vault = Vault(settings.keys, settings.index_key_bytes)
    doctor, admin = await _staff(settings, DOCTOR), await _staff(settings, ADMIN)
    me, patient_id = await _resident(settings, vault)
    place = await Organization.get(consortium_id=settings.consortium_id, code="WSY01")
    await _contract(doctor, vault, place.id)
    if doctor.practitioner_id is not None:
        await staffing.set_hours(doctor, place.id, DAYS, doctor.practitioner_id, seen="")
    for title, text in READY:
        await canned.save(admin, title=title, text=text, organization_id=place.id)
    reception = Reception(
        InProcessHub(), Desk(queue_most=10), Rulebook(unsigned_allowed=settings.bot_unsigned)
    )
    for talk in TALKS:
        await _have(talk, me, patient_id, doctor, reception)
    if doctor.practitioner_id is not None:
        await _plan(doctor, patient_id)


async def _staff(settings: Settings, username: str) -> Actor:
    row = await Staff.get(consortium_id=settings.consortium_id, username=username)
    roles = await StaffRole.filter(staff_id=row.id, ended_at=None).values_list(
        "role", "organization_id"
    )
    grants = await grants_of(settings.consortium_id, list(roles))
    return Actor(settings.consortium_id, "staff", row.id, None, grants, row.practitioner_id)


async def _resident(settings: Settings, vault: Vault) -> tuple[Actor, UUID]:
    """Whoever logs in as that user later finds it all there."""
    openid = openid_of(settings.wechat_appid, USER)
    account = await account_of(settings.consortium_id, vault, openid)
    me = Actor(settings.consortium_id, "resident", account.id)
    mine = await patients.list_mine(me)
    if mine:
        return me, mine[0].patient.id
    number = BORN + documents.check_character(BORN)
    new = NewPatient(
        name=NAME, id_kind="resident_id", id_number=number, relation="self", agreed=True
    )
    carer = await patients.register(me, vault, new, most=5, receipt=_receipt(me))
    return me, carer.patient.id


async def _plan(doctor: Actor, patient_id: UUID) -> None:
    """What she takes, of no real name, and when she is to be seen again."""
    today = clock.today()
    timing = Timing(from_on=today, to_on=last_day(today), when=("PCM",))
    dosage = Dosage(medicine="演示用药片", amount="1 片", timing=timing, note="不是真的药。")
    await medication_plans.start(doctor, patient_id, dosage)
    wanted = Wanted(about="高血压", due_on=today + timedelta(days=3), every_days=90)
    await follow_ups.start(doctor, patient_id, wanted, plan_id=new_id())


def _receipt(me: Actor) -> Receipt:
    return Receipt.of(me.account_id, new_id().hex, "demo", b"", lambda _: "{}")


async def _contract(doctor: Actor, vault: Vault, organization_id: UUID) -> None:
    if doctor.practitioner_id is None:
        return
    new = NewContract(
        organization_id=organization_id, practitioner_id=doctor.practitioner_id, name=NAME,
        id_number=BORN + documents.check_character(BORN), package="基础服务包",
        from_on=clock.today() - timedelta(days=90), to_on=None,
    )  # fmt: skip
    await contracts.sign(doctor, vault, new)


async def _have(
    talk: Talk, me: Actor, patient_id: UUID, doctor: Actor, reception: Reception
) -> None:
    hub = reception.hub
    begun = await conversations.begin(me, reception, patient_id, receipt=_receipt(me))
    for text in talk.says:
        await conversations.send(me, reception, begun.id, _draft(text))
    await conversations.ask_for_a_doctor(me, hub, begun.id)
    if not talk.answer:
        return
    await taking.claim(doctor, hub, begun.id)
    latest = (await conversations.show(me, begun.id)).last_seq
    await answering.mark(doctor, hub, begun.id, marks.READ, latest)
    await answering.reply(doctor, hub, begun.id, _draft(talk.answer))
    if talk.says_more:
        await conversations.send(me, reception, begun.id, _draft(talk.says_more))
    if talk.stars:
        await ending.close(doctor, hub, begun.id, outcome="answered")
        await rating.rate(me, hub, begun.id, score=talk.stars, words="", receipt=_receipt(me))


def _draft(text: str) -> Draft:
    return Draft(client_id=new_id().hex, body=text)
