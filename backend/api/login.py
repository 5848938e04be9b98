"""Log in with WeChat, see oneself, end log-ins."""

from uuid import UUID

from backend import errors, throttle
from backend.api import patients
from backend.api.route import Call, client_ip, route
from backend.api.views.login import (
    AccountView,
    DevicesView,
    DeviceView,
    LoginForm,
    LoginView,
    MeView,
    PhoneForm,
)
from backend.consortium.directory import directory
from backend.identity import accounts, sessions
from backend.identity import errors as refusals
from backend.identity.accounts import Account
from backend.wechat.client import InvalidCode


@route(
    "POST",
    "/login/wechat",
    body=LoginForm,
    answer=LoginView,
    public=True,
    problems=(InvalidCode, errors.Throttled, errors.Upstream),
)
async def log_in(call: Call, form: LoginForm) -> LoginView:
    """Exchange a code of `wx.login` for a token. The token is shown this once."""
    service, settings = call.service, call.service.settings
    ip = client_ip(call.request, settings.trusted_proxies)
    await throttle.check(service.hub, "login", ip, most=settings.logins_per_minute)
    login = await service.wechat.login(form.code)
    token, session, account = await sessions.log_in(
        service.sessions,
        settings.consortium_id,
        service.vault,
        openid=login.openid,
        device=form.device,
        days=settings.session_days,
    )
    return LoginView(token, session.expires_at, _account(call, account))


def _account(call: Call, account: Account) -> AccountView:
    return AccountView(account.id, accounts.masked_phone(call.service.vault, account))


@route("GET", "/me", answer=MeView)
async def me(call: Call) -> MeView:
    """The account and everyone in its care."""
    county = await directory(call.actor.consortium_id)
    account = await accounts.mine(call.actor)
    people = await patients.items(call)
    return MeView(_account(call, account), county.name, county.emergency_phone, people)


@route(
    "POST",
    "/me/phone",
    body=PhoneForm,
    answer=AccountView,
    problems=(InvalidCode, refusals.ConsentWithdrawn, errors.Upstream),
)
async def set_phone(call: Call, form: PhoneForm) -> AccountView:
    """Keep the phone that WeChat vouches for: a code of the `getPhoneNumber` button."""
    await call.limit("phone", call.service.settings.logins_per_minute)
    phone = await call.service.wechat.phone(form.code)
    return _account(call, await accounts.set_phone(call.actor, call.service.vault, phone))


@route("GET", "/me/devices", answer=DevicesView)
async def devices(call: Call) -> DevicesView:
    """Where this account is logged in."""
    found = await sessions.devices(call.actor)
    return DevicesView([DeviceView.of(row, call.actor.session_id) for row in found])


@route("DELETE", "/me/devices", status=204)
async def end_others(call: Call) -> None:
    """End every log-in but this one."""
    await sessions.revoke(call.actor, None)
    call.service.sessions.forget()


@route("DELETE", "/me/devices/<session_id:uuid>", status=204, problems=(errors.NotFound,))
async def end_one(call: Call, session_id: UUID) -> None:
    """End one log-in; one's own is logging out."""
    await sessions.revoke(call.actor, session_id)
    call.service.sessions.forget()
