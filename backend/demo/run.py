"""`jiamenkou demo`: a county of its own under var/demo, a server with its jobs, and a local WeChat.

Server and WeChat are child processes that end with this one, however it ends.
"""

import asyncio
import base64
import os
import secrets
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from backend import db, doctor, environment, lease, logs, serving
from backend.booking import schedules
from backend.county.importing import import_county
from backend.demo import conversations, on_call, staff
from backend.demo.children import PACKAGES, Child, DemoFailed, started
from backend.demo.guide import guide
from backend.migrate import migrate
from backend.settings import PREFIX, Settings, from_env

COUNTY = Path(__file__).parent / "county.xlsx"
HOST = "127.0.0.1"
PORT_MOST = 65_534  # the simulator takes the next one
READY_S = 60.0
CHECK_S = 0.2
MARK = ".jiamenkou-demo"  # in every folder that is the demo's: to start over empties it


def run(port: int, *, reset: bool, home: Path | None, console: Console) -> None:
    """Start everything, say what to open, and stop everything on Ctrl-C or SIGTERM.

    Raises:
        DemoFailed, serving.PortTaken, lease.Taken: with a sentence that says why.
    """
    if not 1 <= port <= PORT_MOST:
        raise DemoFailed(f"端口应在 1 到 {PORT_MOST} 之间。 / Port out of range.")
    for number in (port, port + 1):
        serving.listen(HOST, number).close()
    home = _folder(home)
    with console.status("正在准备…") as status:
        variables = _prepare(home, port, reset, status.update)
        with started(home, _commands(port), variables) as children:
            status.update("正在启动服务和微信模拟器…")
            _wait_until_ready(children, port)
            status.stop()
            guide(console, HOST, port, home)
            _wait_for_the_end(children)
            console.print("正在停止…")
    console.print("[green]✓[/] 已全部停止；数据保留在 " + str(home), soft_wrap=True)


def _commands(port: int) -> dict[str, list[str]]:
    """What runs, in the order of its start. WeChat pushes back to the server."""
    callback = f"http://{HOST}:{port}/wechat/push"
    wechat = ["--port", str(port + 1), "--state", "wechat.json", "--callback", callback]
    for host in (HOST, "localhost"):
        wechat += ["--origin", f"http://{host}:{port}"]
    return {"simulator": ["simulator", *wechat], "server": ["serve"]}


def _usual_home() -> Path:
    """Beside the source, or below the current folder."""
    root = PACKAGES if (PACKAGES / "pyproject.toml").is_file() else Path.cwd()
    return root / "var" / "demo"


def _folder(wanted: Path | None) -> Path:
    """The demo's folder, made if need be. Raises DemoFailed: no right to write, or not ours."""
    home = wanted or _usual_home()
    try:
        home.mkdir(parents=True, exist_ok=True)
        if wanted and not (home / MARK).exists() and any(home.iterdir()):
            raise DemoFailed(
                f"{home} 里有别的文件，演示不会用它，以免误删；请换一个空的文件夹。"
                " / This folder holds something else."
            )
        (home / MARK).touch()
    except OSError as error:
        raise DemoFailed(
            f"不能写入 {home}（{error.strerror}），请把项目放到可以写入的文件夹。"
            " / This folder can't be written to."
        ) from None
    return home.resolve()


def _prepare(home: Path, port: int, reset: bool, tell: Callable[[str], None]) -> dict[str, str]:
    """Keys, database and county, what is missing of them; returns the children's environment."""
    database = home / "jiamenkou.sqlite3"
    with lease.alone(database):
        if reset:
            _empty(home, keep=(MARK, f"{database.name}.lock"))
        variables = _variables(home, port, database)
        settings = from_env(variables)
        logs.configure(json=True, level="ERROR")
        tell("正在建立数据库…")
        asyncio.run(migrate(settings))
        asyncio.run(_load_county(settings, home, tell))
    return variables


def _empty(home: Path, *, keep: tuple[str, ...]) -> None:
    for path in home.iterdir():
        if path.name in keep:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _variables(home: Path, port: int, database: Path) -> dict[str, str]:
    """Settings of the demo. The secrets are made once and kept, or nothing could be read again."""
    kept = home / environment.FILE
    if not kept.exists():
        made = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(made, "w", encoding="utf-8") as file:
            file.write(_secrets())
    return environment.read(home, {}) | {
        f"{PREFIX}DATABASE_URL": f"sqlite://{database}",
        f"{PREFIX}HOST": HOST,
        f"{PREFIX}PORT": str(port),
        f"{PREFIX}PUBLIC_URL": f"http://{HOST}:{port}",
        f"{PREFIX}ALLOWED_HOSTS": f"{HOST},localhost",
        f"{PREFIX}CONSORTIUM": "demo",
        f"{PREFIX}WECHAT_BASE_URL": f"http://{HOST}:{port + 1}",
        f"{PREFIX}WECHAT_TEMPLATES": "booked:demo-booked,changed:demo-changed,visit:demo-visit",
        f"{PREFIX}PHONE_URL": f"http://{HOST}:{port + 1}",
        f"{PREFIX}BOT_UNSIGNED": "true",
        f"{PREFIX}LOG_LEVEL": "INFO",
    }


def _secrets() -> str:
    aes_key = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    made = {
        "WECHAT_APPID": f"wx{secrets.token_hex(8)}",
        "WECHAT_SECRET": secrets.token_hex(16),
        "WECHAT_PUSH_TOKEN": secrets.token_hex(16),
        "WECHAT_PUSH_AES_KEY": aes_key,
    }
    lines = [doctor.new_keys(), *(f"{PREFIX}{name}={value}" for name, value in made.items())]
    return "\n".join(lines) + "\n"


async def _load_county(settings: Settings, home: Path, tell: Callable[[str], None]) -> None:
    await db.connect(settings)
    try:
        await import_county(
            settings.consortium,
            COUNTY,
            progress=lambda done, total, label: tell(f"演示县：{label} {done}/{total or '…'}"),
        )
        tell("演示县：添加工作人员…")
        await staff.load(settings, home)
        await on_call.load(settings)
        tell("演示县：放几次咨询…")
        await conversations.load(settings)
        tell("演示县：按排班模板发布号源…")
        await schedules.publish(settings.consortium_id)
    finally:
        await db.disconnect()


def _wait_until_ready(children: list[Child], port: int) -> None:
    """Raises DemoFailed: a child ended, or the time is up."""
    waiting = {
        f"http://{HOST}:{port + 1}/_sim/health",
        f"http://{HOST}:{port}/healthz",
        f"http://{HOST}:{port}/readyz",
    }
    deadline = time.monotonic() + READY_S
    with httpx.Client(trust_env=False, timeout=2.0) as client:
        while waiting:
            for child in children:
                child.insist()
            if time.monotonic() > deadline:
                raise DemoFailed(f"{READY_S:.0f} 秒内没有全部启动：{'、'.join(sorted(waiting))}")
            waiting -= {url for url in waiting if _answers(client, url)}
            time.sleep(CHECK_S if waiting else 0)


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except httpx.HTTPError:
        return False


def _wait_for_the_end(children: list[Child]) -> None:
    """Until Ctrl-C or SIGTERM. Raises DemoFailed when a child ends by itself."""
    asked = False

    def ask(_number: int, _frame: Any) -> None:
        nonlocal asked
        asked = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    while not asked:
        for child in children:
            child.insist()
        time.sleep(CHECK_S)
