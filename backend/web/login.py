"""Logging in: password, second factor, and out again."""

from typing import Annotated
from urllib.parse import quote

import msgspec
from msgspec import Meta

from backend import throttle
from backend.api.route import client_ip
from backend.staff import sessions, totp
from backend.web import session
from backend.web.page import CODE, Go, Show, go, page, show
from backend.web.view import View

BROWSERS = (
    ("MicroMessenger", "微信"), ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"), ("Safari/", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("HarmonyOS", "鸿蒙"), ("Android", "安卓"),
    ("Windows", "Windows"), ("Mac OS", "Mac"), ("Linux", "Linux"),
)  # fmt: skip


class Next(msgspec.Struct, forbid_unknown_fields=True):
    """Where to go on to afterwards."""

    next: Annotated[str, Meta(max_length=2000)] = ""


class Secrets(msgspec.Struct):
    username: Annotated[str, Meta(max_length=64)]
    password: Annotated[str, Meta(max_length=200)]


class Code(msgspec.Struct):
    code: Annotated[str, Meta(max_length=12)]


@page("GET", "/login", stage="public", query=Next)
async def ask(view: View) -> Show | Go:
    """Name and password."""
    if view.login is not None and view.login.passed and not view.faults:
        return Go(session.safe_next(view.query.next))
    return show("login.html")


@page("POST", "/login", stage="public", query=Next, form=Secrets, on_fault=ask)
async def log_in(view: View, form: Secrets) -> Go:
    """On to the second factor, with a cookie that opens nothing else yet."""
    settings = view.service.settings
    address = client_ip(view.request, settings.trusted_proxies)
    await throttle.check(view.service.hub, "staff-login", address, most=settings.logins_per_minute)
    token = await sessions.log_in(
        settings.consortium_id,
        view.service.hub,
        username=form.username,
        password=form.password,
        device=device_of(view.request.headers.get("user-agent", "")),
    )
    return Go(_on(CODE, view), cookies=(session.opened(token),))


@page("GET", "/login/code", stage="half", query=Next)
async def ask_code(view: View) -> Show:
    """The six digits; at the first log-in the QR code for the authenticator as well."""
    login = view.known
    if login.enrolled:
        return show("code.html", picture="", key="")
    key = await sessions.enrolment(login, view.service.vault)
    return show("code.html", picture=totp.picture(key, login.username), key=totp.grouped(key))


@page("POST", "/login/code", stage="half", query=Next, form=Code, on_fault=ask_code)
async def check_code(view: View, form: Code) -> Go:
    """The log-in is whole: a new token, and on to where one wanted to go."""
    token = await sessions.pass_second_factor(view.known, view.service.vault, code=form.code)
    return Go(session.safe_next(view.query.next), cookies=(session.opened(token),))


@page("POST", "/logout", stage="change")
async def log_out(view: View) -> Go:
    await sessions.end(view.known)
    return go("/login", cookies=(session.closed(),))


@page("POST", "/login/again", stage="half")
async def start_again(view: View) -> Go:
    """As somebody else, before the second factor."""
    await sessions.end(view.known)
    return go("/login", cookies=(session.closed(),))


def _on(to: str, view: View) -> str:
    """`to`, which remembers where one wanted to go."""
    wanted = session.safe_next(view.query.next)
    if wanted == session.safe_next(None):
        return to
    return f"{to}?next={quote(wanted, safe='/')}"


def device_of(agent: str) -> str:
    """`Chrome · Windows`: enough to know one's own devices by."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "浏览器")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return f"{browser} · {system}" if system else browser
