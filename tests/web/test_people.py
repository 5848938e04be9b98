"""The administration of staff over HTTP: who sees it, what comes back, what a name may hold."""

import re
from html.parser import HTMLParser

import pytest

from backend.consortium import directory
from backend.staff.models import Staff
from tests.clinics import Clinic, a_clinic
from tests.people import a_staff_account
from tests.statements import statements
from tests.web.conftest import Pages, text_of

NASTY = [
    "<script>alert(1)</script>", '"><svg onload=alert(1)>', "'; DROP TABLE staff;--",
    "</title><script>x</script>", "{{ 7*7 }}", "{% raw %}", "javascript:alert(1)", "&lt;b&gt;",
    "\u202eevil", "<!--", "]]>",
]  # fmt: skip


async def clinic_of(pages: Pages) -> Clinic:
    clinic = await a_clinic(pages.settings)
    directory.forget()
    return clinic


async def test_an_administrator_adds_somebody(pages: Pages) -> None:
    clinic = await clinic_of(pages)
    desk = await pages.desk("institution_admin", clinic.organization)
    form = {"name": "周小雨", "username": "zhou", "role": "auditor",
            "organization_id": str(clinic.organization.id)}  # fmt: skip
    answer = await desk.post("/people", form)
    assert answer.status_code == 200
    assert re.search(r"[a-z2-9]{4}(-[a-z2-9]{4}){3}", text_of(answer))
    assert "周小雨" in (await desk.get("/people")).text
    again = await desk.post("/people", form)
    assert again.status_code == 409
    assert 'id="username-fault"' in again.text
    assert 'value="周小雨"' in again.text


async def test_faults_stand_beside_their_fields_all_at_once(pages: Pages) -> None:
    clinic = await clinic_of(pages)
    desk = await pages.desk("institution_admin", clinic.organization)
    form = {"name": " ", "role": "x" * 40, "organization_id": "nonsense"}
    answer = await desk.post("/people", form)
    assert answer.status_code == 422
    for name in ("name", "username", "role", "organization_id"):
        assert f'id="{name}-fault"' in answer.text
    unknown = await desk.post("/people", {"is_admin": "true"})
    assert "不认识的内容" in unknown.text


@pytest.mark.parametrize("role", ["doctor", "auditor", "institution_admin"])
async def test_an_outsider_finds_nothing(pages: Pages, role: str) -> None:
    mine, other = await clinic_of(pages), await clinic_of(pages)
    person = await a_staff_account(pages.settings, "auditor", mine.organization, name="欧阳修远")
    desk = await pages.desk(role, other.organization)
    before = await Staff.all().order_by("id").values()
    for path in ("", "/reset", "/disable", "/enable", "/roles"):
        url = f"/people/{person.id}{path}"
        answer = await (desk.post(url) if path else desk.get(url))
        assert answer.status_code == 404
        assert person.name not in answer.text
        assert person.username not in answer.text
    if role != "institution_admin":
        assert (await desk.get("/people")).status_code == 404
        assert "工作人员" not in text_of(await desk.get("/"))
    assert await Staff.all().order_by("id").values() == before


@pytest.mark.parametrize("name", NASTY)
async def test_whatever_a_name_holds_is_text(pages: Pages, name: str) -> None:
    clinic = await clinic_of(pages)
    desk = await pages.desk("institution_admin", clinic.organization)
    person = await a_staff_account(
        pages.settings, "auditor", clinic.organization, name=name, username="nasty"
    )
    clean = await a_staff_account(pages.settings, "auditor", clinic.organization, name="李")
    for path, plain in ((f"/people/{person.id}", f"/people/{clean.id}"), ("/people?q=nasty", "")):
        answer = await desk.get(path)
        assert answer.status_code == 200
        if plain:  # not one tag or attribute more than with a harmless name
            assert tags(answer.text) == tags((await desk.get(plain)).text)
    sought = await desk.post("/people", {"name": name, "username": name[:30]})
    assert sought.status_code == 422
    harmless = await desk.post("/people", {"name": "李", "username": "x"})
    assert tags(sought.text) == tags(harmless.text)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(f"{tag} {[name for name, _ in attrs]}")


def tags(html: str) -> list[str]:
    """Every tag with the names of its attributes, as a browser would see them."""
    parser = _Tags()
    parser.feed(html)
    return parser.found


async def test_the_list_costs_the_same_for_many(pages: Pages) -> None:
    clinic = await clinic_of(pages)
    desk = await pages.desk("institution_admin", clinic.organization)
    await desk.get("/people")
    counts = []
    for _ in range(2):
        with statements() as queries:
            assert (await desk.get("/people")).status_code == 200
        counts.append(len(queries))
        for _ in range(25):
            await a_staff_account(pages.settings, "auditor", clinic.organization)
    assert counts[0] == counts[1] <= 6
