"""停诊 on the staff pages: preview, stop, who knows, undo; nobody else sees any of it."""

import re
from datetime import timedelta
from uuid import uuid4

from backend import clock
from backend.audit import AuditEvent
from backend.booking.models import Appointment, Schedule
from backend.consortium import directory
from backend.identity import accounts
from backend.suspension.models import Suspension, SuspensionCase
from tests.people import vault_of
from tests.statements import statements
from tests.suspension.clinics import a_stop
from tests.web.conftest import Pages, text_of


async def test_a_day_is_stopped_and_everybody_is_called(pages: Pages) -> None:
    stop = await a_stop(pages.settings, capacity=2)
    person = await stop.person()
    await accounts.set_phone(person.actor, vault_of(pages.settings), "13912345678")
    ticket = await stop.book(stop.slots[0], person)
    await stop.book(stop.slots[0])
    desk = await pages.desk("institution_admin", stop.clinic.organization)
    assert "还没有停过诊" in text_of(await desk.get("/suspensions"))
    on = clock.today() + timedelta(days=2)
    query = f"practitioner={stop.clinic.practitioner.id}&from_on={on}&to_on=&period="
    preview = await desk.get(f"/suspensions/new?{query}")
    assert "影响到 2 人" in text_of(preview)
    assert "11-26 09:00" in text_of(preview)
    key = re.findall(r'name="key" value="([^"]+)"', preview.text)[0]
    wrong = await desk.post(f"/suspensions/new?{query}", {"key": key, "reason": ""})
    assert wrong.status_code == 422
    assert f'value="{key}"' in wrong.text  # the same action still
    for _ in range(2):  # sent twice
        done = await desk.post(f"/suspensions/new?{query}", {"key": key, "reason": "外出进修"})
    one = await Suspension.get()
    assert done.headers["location"] == f"/staff/suspensions/{one.id}"
    assert (await Schedule.get(id=stop.schedule_id)).status == "stopped"

    shown = await desk.get(f"/suspensions/{one.id}")
    assert "139****5678" in shown.text
    assert "13912345678" not in shown.text
    assert shown.text.count(">还没通知到<") == 2
    case = await stop.case_of(ticket)
    phone = await desk.post(f"/suspensions/cases/{case.id}/phone", hx_request="true")
    assert "13912345678" in phone.text
    assert await AuditEvent.filter(action="suspension.phone_shown").count() == 1
    await desk.post(f"/suspensions/cases/{case.id}/reach", {"how": "phone"})
    assert (await desk.get("/suspensions/waiting")).text.count(">还没通知到<") == 1

    await desk.post(f"/suspensions/{one.id}/undo")
    assert (await Appointment.get(id=ticket.id)).status == "booked"
    # Whoever had been called must hear of that as well; the other never knew.
    undone = text_of(await desk.get(f"/suspensions/{one.id}"))
    assert (undone.count("还不知道已恢复"), undone.count("不用通知")) == (1, 1)


async def test_nothing_there_is_said(pages: Pages) -> None:
    stop = await a_stop(pages.settings)
    desk = await pages.desk("institution_admin", stop.clinic.organization)
    far = clock.today() + timedelta(days=40)
    doctor = stop.clinic.practitioner.id
    for query in (f"practitioner={doctor}&from_on={far}", f"practitioner={doctor}&from_on=x"):
        assert 'class="notice problem"' in (await desk.get(f"/suspensions/new?{query}")).text
    assert (await desk.get("/suspensions/new")).status_code == 200


async def test_outsiders_get_404(pages: Pages) -> None:
    stop, other = await a_stop(pages.settings), await a_stop(pages.settings)
    ticket = await stop.book(stop.slots[0])
    one = await stop.suspend()
    case = await stop.case_of(ticket)
    for desk in (
        await pages.desk("institution_admin", other.clinic.organization),
        await pages.desk("doctor", stop.clinic.organization),
        await pages.desk("auditor"),
    ):
        assert (await desk.get(f"/suspensions/{one}")).status_code == 404
        query = f"schedules={stop.schedule_id}"
        assert (await desk.get(f"/suspensions/new?{query}")).status_code == 404
        for path, form in (
            (f"/suspensions/{one}/undo", {}),
            (f"/suspensions/cases/{case.id}/reach", {"how": "phone"}),
            (f"/suspensions/cases/{case.id}/phone", {}),
            (f"/suspensions/new?{query}", {"key": str(uuid4()), "reason": "外出进修"}),
        ):
            assert (await desk.post(path, form)).status_code == 404
    assert (await Suspension.get(id=one)).state == "active"
    assert await SuspensionCase.filter(reached_at=None).exists()


async def test_as_many_queries_for_twelve_people_as_for_two(pages: Pages) -> None:
    """Of the preview, the list, one suspension and the worklist."""
    counts = []
    for people in (2, 12):
        stop = await a_stop(pages.settings, capacity=people)
        for _ in range(people):
            await stop.book(stop.slots[0])
        desk = await pages.desk("institution_admin", stop.clinic.organization)
        directory.forget()
        await desk.get("/suspensions")  # whatever is remembered for some seconds
        with statements() as asked:
            await desk.get(f"/suspensions/new?schedules={stop.schedule_id}")
        one = await stop.suspend()
        with statements() as more:
            for path in ("", f"/{one}", "/waiting"):
                assert (await desk.get("/suspensions" + path)).status_code == 200
        counts.append((len(asked), len(more)))
    assert counts[0] == counts[1]
    assert sum(counts[0]) > 20  # it did count
