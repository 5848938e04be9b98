"""One's own account: the password, and where one is logged in."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from backend.errors import Malformed
from backend.staff import sessions
from backend.web import session
from backend.web.login import Next
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

Secret = Annotated[str, Meta(max_length=200)]


class NewPassword(msgspec.Struct):
    present: Secret
    password: Secret
    again: Secret


@page("GET", "/account")
async def account(view: View) -> Show:
    """Who one is here, and where one is logged in."""
    return show("account.html", opened=await sessions.opened(view.known))


@page("GET", "/account/password", stage="change", query=Next)
async def ask_password(view: View) -> Show:
    """Also the first page after the first log-in."""
    return show("password.html")


@page("POST", "/account/password", stage="change", query=Next, form=NewPassword,
      on_fault=ask_password)  # fmt: skip
async def change_password(view: View, form: NewPassword) -> Go:
    """Ends one's other log-ins."""
    if form.password != form.again:
        raise Malformed("两次输入的新密码不一样。", field="again")
    await sessions.change_password(view.known, present=form.present, password=form.password)
    to = session.safe_next(view.query.next).removeprefix("/staff")
    return go(to, "密码已修改，其他地方的登录已全部退出。")


@page("POST", "/account/sessions/<session_id:uuid>/end")
async def end(view: View, session_id: UUID) -> Go:
    """Log out somewhere else."""
    await sessions.end(view.known, session_id)
    return go("/account", "已退出那一处登录。")
