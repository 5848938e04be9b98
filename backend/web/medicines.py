"""用药计划 of a resident, for the doctor who has claimed the conversation, or has the contract."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, NamedTuple
from uuid import UUID, uuid4

import msgspec
from msgspec import Meta

from backend import clock
from backend.chat import cases, planned
from backend.errors import NotFound
from backend.reminders import dosage as dosages
from backend.reminders import timetable
from backend.reminders.dosage import Dosage
from backend.reminders.medication_records import REASONS, Plan
from backend.reminders.timetable import Timing
from backend.web.chats import ANSWER
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

LIST = "/chats/<conversation_id:uuid>/medicines"
ONE = LIST + "/<plan_id:uuid>"
WORDS = ("medicine", "amount", "times", "at_most", "note")
WEEKDAYS = [(str(number), f"周{day}") for number, day in enumerate(timetable.WEEKDAYS, 1)]


class DosageForm(msgspec.Struct):
    """`id`: of the plan that the page has in mind, so that a second send is harmless."""

    medicine: Annotated[str, Meta(max_length=dosages.MEDICINE_MOST)]
    amount: Annotated[str, Meta(max_length=dosages.AMOUNT_MOST)]
    from_on: date
    to_on: date
    when: list[Annotated[str, Meta(max_length=3)]] = []
    times: Annotated[str, Meta(max_length=60)] = ""
    every_days: Annotated[int, Meta(ge=1, le=timetable.EVERY_MOST)] = 1
    weekdays: list[Annotated[int, Meta(ge=1, le=7)]] = []
    as_needed: bool = False
    at_most: Annotated[str, Meta(max_length=dosages.AT_MOST_MOST)] = ""
    note: Annotated[str, Meta(max_length=dosages.NOTE_MOST)] = ""
    id: UUID | None = None
    version: Annotated[int, Meta(ge=1)] = 1

    def dosage(self) -> Dosage:
        """Raises Malformed."""
        timing = Timing(
            from_on=self.from_on,
            to_on=self.to_on,
            times=timetable.read_times(self.times),
            when=tuple(self.when),
            every_days=self.every_days,
            weekdays=tuple(self.weekdays),
        )
        return Dosage(
            medicine=self.medicine,
            amount=self.amount,
            timing=timing,
            as_needed=self.as_needed,
            at_most=self.at_most,
            note=self.note,
        )


class EndForm(msgspec.Struct):
    reason: Annotated[str, Meta(max_length=12)]
    version: Annotated[int, Meta(ge=1)]


class Back(NamedTuple):
    """Where the plans of somebody are, and where one came from."""

    plans: str
    to: str


@page("GET", LIST, right=ANSWER)
async def whole(view: View, conversation_id: UUID, **_: Any) -> Show:
    """What the resident takes by plans, and a form for another one."""
    found = await planned.list_of(view.actor, conversation_id)
    case = await cases.show(view.actor, conversation_id)
    return all_of(view, found, case.card.name if case.card else "", _talk(conversation_id))


def _talk(conversation_id: UUID) -> Back:
    return Back(f"/staff/chats/{conversation_id}/medicines", f"/staff/chats/{conversation_id}")


def all_of(view: View, found: Sequence[Plan], name: str, back: Back) -> Show:
    today = clock.today()
    return show(
        "medicines.html",
        name=name,
        **_context(found, back),
        plan=None,
        id=view.fresh_id(),
        times="",
        first=today,
        last=dosages.last_day(today),
    )


@page("GET", ONE, right=ANSWER)
async def one(view: View, conversation_id: UUID, plan_id: UUID, **_: Any) -> Show:
    """One, to be changed or ended."""
    found = await planned.list_of(view.actor, conversation_id)
    return one_of(view, found, plan_id, _talk(conversation_id))


def one_of(view: View, found: Sequence[Plan], plan_id: UUID, back: Back) -> Show:
    """Raises NotFound."""
    plan = next((plan for plan in found if plan.id == plan_id), None)
    if plan is None:
        raise NotFound
    timing = plan.dosage.timing
    if "medicine" not in view.sent.values:  # ending was refused: the form beside it stays as it is
        view.sent.values.clear()
    return show(
        "medicine.html",
        **_context(found, back),
        plan=plan,
        id=str(plan.id),
        times=" ".join(at.isoformat("minutes") for at in timing.times),
        first=timing.from_on,
        last=timing.to_on,
    )


def _context(found: Sequence[Plan], back: Back) -> dict[str, Any]:
    return {
        "base": back.plans,
        "back": back.to,
        "now": [plan for plan in found if plan.status == "active"],
        "ended": [plan for plan in found if plan.status != "active"],
        "whens": list(timetable.WHEN.items()),
        "weekdays": WEEKDAYS,
        "reasons": REASONS,
        "span": timetable.span,
        "not_yet": dosages.NOT_YET,
        "most": dosages,
        "every_most": timetable.EVERY_MOST,
    }


@page("POST", LIST, right=ANSWER, form=DosageForm, on_fault=whole, words=WORDS)
async def begin(view: View, conversation_id: UUID, form: DosageForm) -> Go:
    await planned.begin(
        view.actor, view.service.hub, conversation_id, form.dosage(), plan_id=form.id or uuid4()
    )
    return go(f"/chats/{conversation_id}#end", "用药计划已写好，居民在对话里能看到。")


@page("POST", ONE, right=ANSWER, form=DosageForm, on_fault=one, words=WORDS)
async def change(view: View, conversation_id: UUID, plan_id: UUID, form: DosageForm) -> Go:
    await planned.change(
        view.actor, view.service.hub, conversation_id, plan_id, form.dosage(),
        version=form.version,
    )  # fmt: skip
    return go(f"/chats/{conversation_id}#end", "用药计划已改好，居民在对话里能看到。")


@page("POST", ONE + "/end", right=ANSWER, form=EndForm, on_fault=one)
async def end(view: View, conversation_id: UUID, plan_id: UUID, form: EndForm) -> Go:
    await planned.end(
        view.actor, view.service.hub, conversation_id, plan_id, reason=form.reason,
        version=form.version,
    )  # fmt: skip
    return go(f"/chats/{conversation_id}#end", "已停用，居民在对话里能看到。")
