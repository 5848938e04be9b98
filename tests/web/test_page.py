"""What every staff page has in common: who gets in, where forms may come from, what is escaped."""

import re
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest

from backend import clock
from backend.consortium import directory
from backend.staff.models import StaffSession
from backend.web.page import pages as declared
from backend.web.session import COOKIE, safe_next
from tests.clinics import a_clinic
from tests.web.conftest import Pages

LONG = 150  # characters
POSTS = [one for one in declared if one.method == "POST"]


def test_no_form_loses_what_somebody_took_time_to_write() -> None:
    """Also where the form can't be shown again. Secrets and codes are not given back."""
    for one in POSTS:
        if one.form is None or one.stage != "whole":
            continue
        told = msgspec.inspect.type_info(one.form)
        assert isinstance(told, msgspec.inspect.StructType)
        long = {
            field.name
            for field in told.fields
            if isinstance(field.type, msgspec.inspect.StrType)
            and (field.type.max_length or 0) >= LONG
        }
        names = {field.name for field in told.fields}
        assert long - {"code"} <= set(one.words) <= names, one.path


async def test_home_says_who_one_is(pages: Pages) -> None:
    clinic = await a_clinic(pages.settings)
    directory.forget()
    desk = await pages.desk("institution_admin", clinic.organization)
    answer = await desk.get("/")
    assert answer.status_code == 200
    assert "陈思远" in answer.text
    assert "机构管理员" in answer.text
    assert clinic.organization.name in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "'unsafe" not in answer.headers["content-security-policy"]


async def test_whoever_is_not_logged_in_goes_to_the_log_in(pages: Pages) -> None:
    desk = await pages.desk()
    answer = await desk.get("/account")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/staff/login?next=/staff/account"


async def test_a_form_from_elsewhere_does_nothing(pages: Pages) -> None:
    """In one test: a server for each of the pages would cost some ten seconds."""
    desk = await pages.desk("consortium_admin")
    taken = []
    for one in POSTS:
        path = re.sub(r"<\w+:uuid>", str(uuid4()), one.path)
        for headers in (
            {"origin": "https://evil.example"},
            {"sec_fetch_site": "cross-site"},
            {"sec_fetch_site": "same-site"},
            {"origin": "null", "sec_fetch_site": "same-origin"},
        ):
            answer = await desk.post(path, **headers)
            refused = (303, 403, 404) if one.stage == "half" else (403, 404)
            if answer.status_code not in refused:
                taken.append((one.path, headers, answer.status_code))
    assert taken == []


async def test_a_form_without_the_token_is_refused(pages: Pages) -> None:
    desk = await pages.desk("consortium_admin")
    for form in ({"csrf": ""}, {"csrf": "0" * 64}, {"csrf": (await pages.desk("auditor")).csrf}):
        answer = await desk.post("/logout", form)
        assert answer.status_code == 403
    assert (await desk.post("/logout", {"csrf": ""}, x_csrf_token=desk.csrf)).status_code == 303


async def test_idle_and_old_log_ins_end(pages: Pages, noon: clock.Hands) -> None:
    desk = await pages.desk("auditor")
    for _ in range(34):
        noon.move(timedelta(minutes=14))
        assert (await desk.get("/")).status_code == 200
    noon.move(timedelta(minutes=4))  # eight hours since the log-in
    assert (await desk.get("/")).status_code == 303
    idle = await pages.desk("auditor")
    noon.move(timedelta(minutes=15))
    assert (await idle.get("/")).status_code == 303


async def test_an_ended_log_in_is_over_at_once(pages: Pages) -> None:
    desk = await pages.desk("auditor")
    assert (await desk.get("/")).status_code == 200
    await StaffSession.all().update(ended_at=clock.now())
    answer = await desk.get("/", hx_request="true")
    assert answer.headers["hx-redirect"].startswith("/staff/login")
    assert desk.token == ""


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example/", "//evil.example", "/staff//evil.example", "/\\evil.example", "/m/",
     "/staff/../m/", "javascript:alert(1)", "/staff/login?next=/staff/", "/staff/\r\nx:y", None,
     "/staffx", "/staff/" + "a" * 600],
)  # fmt: skip
def test_after_the_log_in_only_pages_of_ours_follow(wanted: str | None) -> None:
    assert safe_next(wanted) == "/staff/"


def test_a_page_of_ours_follows() -> None:
    assert safe_next("/staff/schedules?on=2026-11-23&q=%E5%BC%A0") != "/staff/"


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "a' onclick='x"],
)
async def test_names_are_text(pages: Pages, name: str) -> None:
    desk = await pages.desk("consortium_admin", name=name[:30])
    answer = await desk.get("/")
    assert answer.status_code == 200
    assert name[:30] not in answer.text or "{{" in name
    for broken in ("<script>alert", "<img src=x", "onclick='x", ">49<"):
        assert broken not in answer.text


async def test_the_cookie_of_another_name_opens_nothing(pages: Pages) -> None:
    desk = await pages.desk("auditor")
    token, desk.token = desk.token, ""
    desk.kept = {"staff": token, COOKIE.lower(): token}
    assert (await desk.get("/")).status_code == 303
