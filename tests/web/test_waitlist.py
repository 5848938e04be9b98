"""The page of the waiting list: the order, a filter, and why a place went where it went."""

from datetime import timedelta

from backend import clock
from tests.booking.test_appointments import book, cancel
from tests.clinics import a_clinic, a_schedule
from tests.people import a_person
from tests.statements import statements
from tests.waits import join
from tests.web.conftest import Pages, text_of


async def test_the_line_and_the_proof_of_a_place(pages: Pages, noon: clock.Hands) -> None:
    clinic = await a_clinic(pages.settings)
    slot = (await a_schedule(pages.settings, clinic))[0]
    booked = await a_person(pages.settings)
    ticket = await book(booked, slot)
    desk = await pages.desk("institution_admin", clinic.organization)
    assert "现在没有人在这里候补" in (await desk.get("/waitlist")).text
    first, second = (
        await a_person(pages.settings, "王桂兰"),
        await a_person(pages.settings, "李大叔"),
    )
    await join(first, clinic)
    noon.move(timedelta(minutes=1))
    await join(second, clinic)
    noon.move(timedelta(minutes=1))
    on = slot.starts_at.date()
    await book(first, (await a_schedule(pages.settings, clinic, on=on))[0])
    await cancel(booked, ticket)
    listed = text_of(await desk.get("/waitlist"))
    assert listed.index("1. 王*兰") < listed.index("2. 李*叔")
    offered = text_of(await desk.get(f"/waitlist?department={clinic.department.id}&state=offered"))
    assert ("李*叔" in offered, "王*兰" in offered) == (True, False)
    proof = text_of(await desk.get(f"/waitlist/places/{slot.id}"))
    assert "次序正确" in proof
    assert "当天这个科室已有预约" in proof
    assert proof.index("王*兰") < proof.index("李*叔")


async def test_others_see_none_of_it(pages: Pages) -> None:
    clinic, other = await a_clinic(pages.settings), await a_clinic(pages.settings)
    slot = (await a_schedule(pages.settings, clinic, capacity=0))[0]
    await join(await a_person(pages.settings), clinic)
    doctor = await pages.desk("doctor", clinic.organization)
    assert (await doctor.get("/waitlist")).status_code == 404
    admin = await pages.desk("institution_admin", other.organization)
    assert "王*兰" not in (await admin.get("/waitlist")).text
    for path in (f"?department={clinic.department.id}", f"/places/{slot.id}"):
        assert (await admin.get(f"/waitlist{path}")).status_code == 404


async def test_it_costs_the_same_however_many_wait(pages: Pages) -> None:
    clinic = await a_clinic(pages.settings)
    desk = await pages.desk("consortium_admin")
    counts = []
    for people in (1, 5):
        for _ in range(people):
            await join(await a_person(pages.settings), clinic)
        await desk.get("/waitlist")
        with statements() as queries:
            await desk.get("/waitlist")
        counts.append(len(queries))
    assert counts[0] == counts[1]
