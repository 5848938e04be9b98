"""用药计划 of one's own contracted residents, outside any conversation; the inbox tells of it."""

from typing import Any
from uuid import UUID, uuid4

from backend.identity import contracts
from backend.reminders import medication_plans as plans
from backend.web.medicines import WORDS, Back, DosageForm, EndForm, all_of, one_of
from backend.web.page import Go, Show, go, page
from backend.web.view import View

LIST = "/contracts/<patient_id:uuid>/medicines"
ONE = LIST + "/<plan_id:uuid>"


def _back(patient_id: UUID) -> Back:
    return Back(f"/staff/contracts/{patient_id}/medicines", "/staff/contracts")


@page("GET", LIST, right=plans.RIGHT)
async def whole(view: View, patient_id: UUID, **_: Any) -> Show:
    """What the resident takes by plans, and a form for another one."""
    found = await plans.list_of(view.actor, patient_id)
    resident = await contracts.resident(view.actor, patient_id, plans.RIGHT)
    return all_of(view, found, resident.name, _back(patient_id))


@page("GET", ONE, right=plans.RIGHT)
async def one(view: View, patient_id: UUID, plan_id: UUID, **_: Any) -> Show:
    """One, to be changed or ended."""
    found = await plans.list_of(view.actor, patient_id)
    return one_of(view, found, plan_id, _back(patient_id))


@page("POST", LIST, right=plans.RIGHT, form=DosageForm, on_fault=whole, words=WORDS)
async def begin(view: View, patient_id: UUID, form: DosageForm) -> Go:
    await plans.start(view.actor, patient_id, form.dosage(), plan_id=form.id or uuid4())
    return go(f"/contracts/{patient_id}/medicines", "用药计划已写好，居民会收到消息。")


@page("POST", ONE, right=plans.RIGHT, form=DosageForm, on_fault=one, words=WORDS)
async def change(view: View, patient_id: UUID, plan_id: UUID, form: DosageForm) -> Go:
    await plans.change(view.actor, plan_id, form.dosage(), version=form.version)
    return go(f"/contracts/{patient_id}/medicines", "用药计划已改好，居民会收到消息。")


@page("POST", ONE + "/end", right=plans.RIGHT, form=EndForm, on_fault=one)
async def end(view: View, patient_id: UUID, plan_id: UUID, form: EndForm) -> Go:
    await plans.end(view.actor, plan_id, reason=form.reason, version=form.version)
    return go(f"/contracts/{patient_id}/medicines", "已停用，居民会收到消息。")
