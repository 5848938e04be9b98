"""What the demo prints once all of it answers."""

import sys
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from backend import miniprogram
from backend.demo import staff
from backend.staff.wording import ROLES

PEOPLE = {
    "wang-nainai": "王奶奶；「在线咨询」里有三次咨询，家庭医生是 doctor-xu",
    "wang-min": "王敏，王奶奶的女儿",
    "li-dashu": "李大叔，与她们无关的人",
}
JSON = "-H 'Content-Type: application/json'"
FIELD = "python3 -c 'import json,sys; print(json.load(sys.stdin)[sys.argv[1]])'"


def guide(console: Console, host: str, port: int, home: Path) -> None:
    """Addresses, people, and lines to copy that work."""
    site, wechat = f"http://{host}:{port}", f"http://{host}:{port + 1}"
    table = Table.grid(padding=(0, 2))
    for what, where in (
        ("网址", f"{site}/"),
        ("小程序", _mini_program(site)),
        ("工作人员", f"{site}/staff/"),
        ("接口文档", f"{site}/api/v1/docs"),
        ("微信模拟器", f"{wechat}/_sim/"),
        ("定时任务", "在服务进程内，状态见 " + f"{site}/readyz"),
        ("数据和日志", str(home)),
    ):
        table.add_row(f"[bold]{what}[/]", where)
    table.add_row("")
    for user, who in PEOPLE.items():
        table.add_row(f"[cyan]{user}[/]", who)
    table.add_row("", "第一次登录即建立账号；别的就诊人和代办人由他们自己添加")
    title = "家门口 · 演示已就绪（Ctrl-C 全部停止）"
    console.print(Panel(table, title=title, border_style="green", expand=False))
    _staff(console, site, home)
    console.print("[bold]用演示身份登录（可直接复制）：[/]")
    for line in commands(site, wechat):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _staff(console: Console, site: str, home: Path) -> None:
    """Who works here, and how they log in."""
    table = Table.grid(padding=(0, 2))
    for person in staff.PEOPLE:
        where = f"{ROLES[person.role]} {person.organization or ''}"
        table.add_row(f"[cyan]{person.username}[/]", person.name, where)
    secrets = staff.secrets_of(home)
    console.print(f"[bold]工作人员登录 {site}/staff/[/]（用户名任选）", soft_wrap=True)
    console.print(table)
    console.print(f"密码　　{secrets.password}", markup=False, highlight=False)
    code = f"{_command()} staff code {secrets.totp_key}"
    console.print(f"动态码　{code}", markup=False, highlight=False, soft_wrap=True)
    console.print("　　　　或把这个密钥手工输入手机上的验证器；只用于这个演示文件夹")


def _command() -> str:
    """How this very installation is called."""
    beside = Path(sys.executable).with_name("jiamenkou")
    return str(beside) if beside.is_file() else "jiamenkou"


def _mini_program(site: str) -> str:
    if miniprogram.is_built():
        return f"{site}{miniprogram.PATH}  浏览器里打开，右上角「…」换人、换字体"
    return "没有构建，请先运行 make host"


def commands(site: str, wechat: str, user: str = "wang-nainai") -> list[str]:
    """Shell lines: log in as `user`, look at the organizations, and at one's own patients."""
    me = '{"user":"' + user + '"}'
    form = '{\\"code\\":\\"$CODE\\"}'
    return [
        f"CODE=$(curl -s {wechat}/_sim/login {JSON} -d '{me}' | {FIELD} code)",
        f'TOKEN=$(curl -s {site}/api/v1/login/wechat {JSON} -d "{form}" | {FIELD} token)',
        f"curl -s {site}/api/v1/organizations",
        f'curl -s {site}/api/v1/patients -H "Authorization: Bearer $TOKEN"',
    ]
