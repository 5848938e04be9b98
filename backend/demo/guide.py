"""What the demo prints once all of it answers."""

from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from backend import miniprogram

PEOPLE = {
    "wang-nainai": "王奶奶",
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
        ("接口文档", f"{site}/api/v1/docs"),
        ("微信模拟器", f"{wechat}/_sim/"),
        ("定时任务", "在服务进程内，状态见 " + f"{site}/readyz"),
        ("数据和日志", str(home)),
    ):
        table.add_row(f"[bold]{what}[/]", where)
    table.add_row("")
    for user, who in PEOPLE.items():
        table.add_row(f"[cyan]{user}[/]", who)
    table.add_row("", "第一次登录即建立账号；就诊人和代办人由他们自己添加")
    title = "家门口 · 演示已就绪（Ctrl-C 全部停止）"
    console.print(Panel(table, title=title, border_style="green", expand=False))
    console.print("[bold]用演示身份登录（可直接复制）：[/]")
    for line in commands(site, wechat):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


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
