"""公告 over HTTP: those of today, to everybody, cheaply when nothing is new."""

from datetime import date, timedelta
from uuid import UUID, uuid4

from backend.api.directory import FRESH_S
from backend.clock import Hands
from backend.consortium import directory
from backend.consortium.models import Announcement, Consortium
from backend.identity import terms
from tests.api.conftest import Server
from tests.api.conftest import server as server
from tests.clinics import a_clinic

MONDAY = date(2026, 11, 23)


async def an_announcement(
    consortium_id: UUID, title: str, from_on: date, to_on: date, organization_id: UUID | None = None
) -> None:
    await Announcement.create(
        id=uuid4(), consortium_id=consortium_id, code=title, organization_id=organization_id,
        title=title, text="正文", from_on=from_on, to_on=to_on,
    )  # fmt: skip


async def test_only_those_of_today_and_of_this_county(server: Server) -> None:
    county = server.settings.consortium_id
    day = timedelta(days=1)
    await an_announcement(county, "明天起", MONDAY + day, MONDAY + day)
    await an_announcement(county, "昨天止", MONDAY - day, MONDAY - day)
    await an_announcement(county, "全县", MONDAY - day, MONDAY)
    await an_announcement(uuid4(), "外县", MONDAY, MONDAY)
    clinic = await a_clinic(server.settings)
    await an_announcement(county, "本院", MONDAY, MONDAY + day, clinic.organization.id)
    gone = await a_clinic(server.settings)
    await an_announcement(county, "停用", MONDAY, MONDAY, gone.organization.id)
    await type(gone.organization).filter(id=gone.organization.id).update(active=False)
    directory.forget()
    answer = await server.http.get("/api/v1/announcements")
    assert [(item["title"], item["organization"]) for item in answer.json()["items"]] == [
        ("本院", clinic.organization.name),
        ("全县", None),
    ]
    assert answer.json()["county"] == (await Consortium.get(id=county)).name
    assert answer.json()["emergency_phone"] == "120"
    assert answer.json()["terms_version"] == terms.VERSION


async def test_nothing_new_costs_no_bytes_and_tomorrow_is_another_day(
    server: Server, noon: Hands
) -> None:
    await an_announcement(server.settings.consortium_id, "今天", MONDAY, MONDAY)
    first = await server.http.get("/api/v1/announcements")
    assert [item["title"] for item in first.json()["items"]] == ["今天"]
    again = await server.http.get(
        "/api/v1/announcements", headers={"if-none-match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert first.headers["cache-control"] == f"public, max-age={int(FRESH_S)}"
