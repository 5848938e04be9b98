"""The whole way in over HTTP, and what it gives to whoever tries other ways."""

from datetime import timedelta

import pytest

from backend import clock
from backend.identity.sessions import token_hash
from backend.staff import passwords, totp
from backend.staff.models import StaffSession
from backend.web.login import device_of
from tests.people import a_staff_account
from tests.web.conftest import Desk, Pages, text_of

PASSWORD = "rain river lamp"
KEY = totp.new_key()
SECRETS = {"username": "limin", "password": PASSWORD}


async def a_desk(pages: Pages, **facts: object) -> Desk:
    told = {
        "username": "limin", "password_hash": await passwords.hashed(PASSWORD),
        "totp_sealed": pages.service.vault.seal(KEY, bound_to=totp.COLUMN),
    } | facts  # fmt: skip
    await a_staff_account(pages.settings, "auditor", **told)
    return await pages.desk()


def code() -> dict[str, str]:
    return {"code": totp.code_at(KEY, clock.now())}


async def test_password_code_and_on_to_the_page_one_wanted(pages: Pages) -> None:
    desk = await a_desk(pages)
    asked = await desk.get("/account")
    where = asked.headers["location"].removeprefix("/staff")
    answer = await desk.post(where, SECRETS)
    assert answer.headers["location"] == "/staff/login/code?next=/staff/account"
    cookie = answer.headers["set-cookie"]
    for attribute in ("__Host-staff=", "Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert attribute in cookie
    assert (await desk.get("/")).headers["location"] == "/staff/login/code"
    answer = await desk.post("/login/code?next=/staff/account", code())
    assert answer.headers["location"] == "/staff/account"
    assert (await desk.get("/login")).headers["location"] == "/staff/"
    await desk.post("/logout")
    assert (await desk.get("/")).status_code == 303


async def test_a_wrong_password_keeps_the_name_and_not_the_password(pages: Pages) -> None:
    desk = await a_desk(pages)
    for name in ("limin", "nobody"):
        answer = await desk.post("/login", {"username": name, "password": "secret-typed-wrong"})
        assert answer.status_code == 422
        assert "用户名或密码不正确" in answer.text
        assert f'value="{name}"' in answer.text
        assert "secret-typed-wrong" not in answer.text
    assert desk.token == ""


async def test_a_token_that_was_there_before_is_worth_nothing(pages: Pages) -> None:
    """Session fixation: neither what an attacker planted nor the half token lives on."""
    desk = await a_desk(pages)
    planted = "A" * 43
    desk.token = planted
    await desk.post("/login", SECRETS)
    half = desk.token
    assert half != planted
    await desk.post("/login/code", code())
    whole = desk.token
    assert len({planted, half, whole}) == 3
    for dead in (planted, half):
        desk.token = dead
        assert (await desk.get("/")).status_code == 303
    assert await StaffSession.filter(token_hash=token_hash(whole)).count() == 1


async def test_a_replayed_code_is_refused(pages: Pages, noon: clock.Hands) -> None:
    desk = await a_desk(pages)
    await desk.post("/login", SECRETS)
    said = code()
    await desk.post("/login/code", said)
    thief = await pages.desk()
    await thief.post("/login", SECRETS)
    answer = await thief.post("/login/code", said)
    assert answer.status_code == 422
    assert "已经用过" in answer.text
    noon.move(timedelta(seconds=30))
    assert (await thief.post("/login/code", code())).status_code == 303


async def test_the_sixth_attempt_is_refused_with_the_reason(pages: Pages) -> None:
    desk = await a_desk(pages)
    for _ in range(5):
        await desk.post("/login", SECRETS | {"password": "wrong"})
    answer = await desk.post("/login", SECRETS)
    assert answer.status_code == 429
    assert "15 分钟" in answer.text


async def test_another_site_can_not_log_anybody_in(pages: Pages) -> None:
    desk = await a_desk(pages)
    answer = await desk.post("/login", SECRETS, origin="https://evil.example")
    assert answer.status_code == 403
    assert desk.token == ""


async def test_the_first_time_one_sets_up_and_changes_the_password(pages: Pages) -> None:
    desk = await a_desk(pages, totp_sealed=None, totp_confirmed_at=None, must_change=True)
    await desk.post("/login", SECRETS)
    setting_up = await desk.get("/login/code")
    assert "data:image/svg+xml," in setting_up.text
    key = text_of(setting_up).split("手工输入密钥")[-1].split("把验证器")[0].replace(" ", "")
    answer = await desk.post("/login/code", {"code": totp.code_at(key, clock.now())})
    assert answer.status_code == 303
    assert (await desk.get("/login/code")).status_code == 303  # never shown again
    for path in ("/", "/account"):
        assert (await desk.get(path)).headers["location"].startswith("/staff/account/password")
    form = {"present": PASSWORD, "password": "bridge tofu soup", "again": "bridge tofu soap"}
    answer = await desk.post("/account/password", form)
    assert 'id="again-fault"' in answer.text
    answer = await desk.post("/account/password", form | {"again": "bridge tofu soup"})
    assert answer.headers["location"] == "/staff/"
    assert "密码已修改" in (await desk.get("/")).text
    assert "密码已修改" not in (await desk.get("/")).text


async def test_many_attempts_of_one_address_are_slowed(pages: Pages) -> None:
    desk = await a_desk(pages)
    object.__setattr__(pages.service.settings, "logins_per_minute", 3)
    statuses = []
    for number in range(5):
        answer = await desk.post("/login", {"username": f"name{number}", "password": "wrong"})
        statuses.append(answer.status_code)
    assert statuses == [422, 422, 422, 429, 429]


async def test_a_log_in_elsewhere_can_be_ended_and_only_ones_own(pages: Pages) -> None:
    mine = await pages.desk("auditor")
    other = await pages.desk("auditor")
    row = await StaffSession.get(token_hash=token_hash(other.token))
    assert (await mine.post(f"/account/sessions/{row.id}/end")).status_code == 404
    assert (await other.get("/")).status_code == 200
    assert (await other.post(f"/account/sessions/{row.id}/end")).status_code == 303
    assert (await other.get("/")).status_code == 303


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/150 Safari/537 Edg/150", "Edge · Windows"),
        ("Mozilla/5.0 (iPhone) MicroMessenger/8", "微信 · iPhone"),
        ("", "浏览器"),
    ],
)
def test_devices_have_names(agent: str, device: str) -> None:
    assert device_of(agent) == device
