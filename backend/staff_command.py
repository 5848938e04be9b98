"""`jiamenkou staff`: the first administrator, and whoever can't get in any more."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from rich.console import Console
from rich.table import Table

from backend import db
from backend.consortium.models import Organization
from backend.errors import Problem
from backend.identity.access import Actor
from backend.refused import Refused
from backend.settings import Settings
from backend.staff import accounts
from backend.staff.accounts import Member, NewMember
from backend.staff.wording import EVERYWHERE, ROLES


async def add(
    settings: Settings,
    console: Console,
    *,
    name: str,
    username: str,
    role: str,
    organization: str | None,
    doctor: str | None,
) -> None:
    """Make an account and print its one-time password. Raises Refused."""

    async def work(actor: Actor) -> None:
        new = NewMember(
            username=username,
            name=name,
            role=role,
            organization_id=await _organization(settings, organization),
            doctor=doctor,
        )
        _, one_time = await accounts.create(actor, new)
        console.print(f"[green]✓[/] 已添加 {name}（{ROLES[role]}）")
        _tell(console, settings, username.strip().lower(), one_time)

    await _with(settings, work)


async def reset(settings: Settings, console: Console, username: str) -> None:
    """A new one-time password and a new second factor. Raises Refused."""

    async def work(actor: Actor) -> None:
        member = await accounts.by_username(actor, username)
        one_time = await accounts.reset(actor, member.id)
        console.print(f"[green]✓[/] 已重置 {member.name}，原来的登录全部退出")
        _tell(console, settings, member.username, one_time)

    await _with(settings, work)


async def show(settings: Settings, console: Console) -> None:
    """Everybody with their roles. Raises Refused."""

    async def work(actor: Actor) -> None:
        table = Table("用户名", "姓名", "角色", "状态")
        for member in await accounts.members(actor):
            roles = "\n".join(
                f"{ROLES[one.role]} · {one.organization or EVERYWHERE}" for one in member.roles
            )
            table.add_row(member.username, member.name, roles or "没有角色", state_of(member))
        console.print(table)

    await _with(settings, work)


def state_of(member: Member) -> str:
    """In a word."""
    if member.disabled:
        return "已停用"
    if member.locked:
        return "暂时锁定"
    if member.expired:
        return "一次性密码已过期"
    if not member.enrolled or member.must_change:
        return "还没有登录过"
    return "正常"


async def _with(settings: Settings, work: Callable[[Actor], Awaitable[None]]) -> None:
    """Run `work` on the database as whoever runs commands. A problem becomes a sentence."""
    await db.connect(settings)
    try:
        await work(Actor.operator(settings.consortium_id))
    except Problem as wrong:
        raise Refused(wrong.detail) from None
    finally:
        await db.disconnect()


async def _organization(settings: Settings, code: str | None) -> UUID | None:
    """Raises Refused: no institution has the code."""
    if not code:
        return None
    row = await Organization.get_or_none(consortium_id=settings.consortium_id, code=code)
    if row is None:
        raise Refused(f"没有编码为「{code}」的机构，请对照工作簿里的「机构编码」。")
    return row.id


def _tell(console: Console, settings: Settings, username: str, one_time: str) -> None:
    console.print(f"  登录地址：{settings.public_url}/staff/", soft_wrap=True)
    console.print(f"  用户名：{username}", soft_wrap=True)
    console.print(f"  一次性密码：[bold]{one_time}[/]（只显示这一次）")
    console.print("  第一次登录时绑定验证器，并换成自己的密码。")
