"""The `jiamenkou` command. Thin: what takes long lives in the modules it calls.

Each command imports what it needs: a server that is replaced should not wait for openpyxl.
"""

import asyncio
import contextlib
import gc
import os
import sqlite3
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import click
from redis.exceptions import RedisError
from rich.console import Console

from backend import environment, lease, logs, schema
from backend.refused import Refused
from backend.settings import Settings, SettingsError, from_env
from backend.supervisor import Supervisor, die_with

ROLES = ("doctor", "institution_admin", "consortium_admin", "auditor")  # staff/models.py says so
SIGNS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "fail": "[red]✗[/]"}
# New objects, as what we load stays: a fifth less work to start, and 15 % less a booking.
GC_THRESHOLDS = (100_000, 20, 100)
UNREACHABLE = (OSError, TimeoutError, asyncpg.PostgresError, sqlite3.Error, RedisError)

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--with-parent", type=int, hidden=True, help="End when this process ends.")
def main(with_parent: int | None) -> None:
    """家门口：县域医共体的居民服务。"""
    gc.set_threshold(*GC_THRESHOLDS)
    if with_parent is not None:
        die_with(with_parent)


@main.command()
@click.option("--port", default=8000, show_default=True, help="服务的端口；模拟器用下一个。")
@click.option("--reset", is_flag=True, help="丢掉演示数据，重新开始。")
@click.option("--home", type=click.Path(path_type=Path), help="数据放在哪里（默认 var/demo）。")
def demo(port: int, reset: bool, home: Path | None) -> None:
    """演示：建库、导入演示县，启动服务、任务和微信模拟器。Ctrl-C 全部停下。"""
    from backend.demo import run as demos

    with _explained():
        demos.run(port, reset=reset, home=home, console=console)


@main.command()
def serve() -> None:
    """启动服务（单进程时任务也在其中）。"""
    with _explained():
        settings = _settings()
        from backend import server, serving  # after that: they take a second

        asyncio.run(schema.insist(settings))
        sock = serving.listen(settings.host, settings.port)
        if settings.workers == 1:
            _run(server.serve(settings, sock))
        else:
            sys.exit(Supervisor(lambda: _run(server.serve(settings, sock))).run(settings.workers))


@main.command()
def worker() -> None:
    """启动任务进程（PostgreSQL 和 Redis）；可以有多个，由一个领头。"""
    with _explained():
        settings = _settings()
        from backend import worker as workers

        asyncio.run(schema.insist(settings))
        asyncio.run(workers.work(settings))


@main.command()
def migrate() -> None:
    """把数据库结构更新到最新。"""
    from backend.migrate import migrate as apply_migrations

    with _explained():
        settings = _settings()
        asyncio.run(schema.missing(settings))  # Tortoise would hang on a file that is no database
        with _alone(settings), console.status("正在更新数据库结构…"):
            asyncio.run(apply_migrations(settings, lambda name: console.print(f"  {name}")))
        console.print("[green]✓[/] 数据库结构是最新的")


@main.command("import")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="只检查并列出变化，不写入。")
@click.option(
    "--template",
    is_flag=False,
    flag_value="county.xlsx",
    type=click.Path(path_type=Path),
    help="写出一份空白工作簿（不给文件名就是 county.xlsx）。",
)
def import_(path: Path | None, dry_run: bool, template: Path | None) -> None:
    """导入医共体的机构、科室、医生、排班和规则（.xlsx，或放着 .csv 的文件夹）。"""
    from backend import import_command

    with _explained():
        if template is not None:
            import_command.template(template, console)
        elif path is None:
            raise click.UsageError("请给出要导入的工作簿，或用 --template 写出空白的。")
        else:
            _must_exist(path)
            settings = _settings()
            asyncio.run(schema.insist(settings))
            with _alone(settings):
                asyncio.run(import_command.load(settings, path, dry_run=dry_run, console=console))


@main.group()
def staff() -> None:
    """工作人员的账号：添加第一位管理员，或替进不来的人重置。"""


@staff.command("add")
@click.argument("name")
@click.option("--username", required=True, help="登录用的名字，小写字母开头。")
@click.option("--role", required=True, type=click.Choice(ROLES), help="角色。")
@click.option("--organization", help="机构编码，同工作簿；医共体管理员不填。")
@click.option("--doctor", help="工号；医生必填。")
def staff_add(
    name: str, username: str, role: str, organization: str | None, doctor: str | None
) -> None:
    """添加一位工作人员，显示一次性密码。"""
    from backend import staff_command

    with _prepared() as settings:
        asyncio.run(
            staff_command.add(
                settings, console, name=name, username=username, role=role,
                organization=organization, doctor=doctor,
            )
        )  # fmt: skip


@staff.command("list")
def staff_list() -> None:
    """列出全部工作人员和角色。"""
    from backend import staff_command

    with _prepared() as settings:
        asyncio.run(staff_command.show(settings, console))


@staff.command("reset")
@click.argument("username")
def staff_reset(username: str) -> None:
    """换一个一次性密码，重新绑定验证器，退出全部登录。"""
    from backend import staff_command

    with _prepared() as settings:
        asyncio.run(staff_command.reset(settings, console, username))


@staff.command("code")
@click.argument("key")
def staff_code(key: str) -> None:
    """验证器此刻显示的 6 位数字；没有手机验证器时试用。"""
    from backend import clock
    from backend.staff import totp

    click.echo(totp.code_at(key.replace(" ", "").upper(), clock.now()))


@main.command("verify-draw")
@click.argument("source")
def verify_draw(source: str) -> None:
    """核对一次摇号：按公布的种子重新计算名次。SOURCE 是公布的地址，或存下来的文件。"""
    from backend import draw_command

    with _explained():
        draw_command.verify(source, console)


@main.group()
def bot() -> None:
    """分诊机器人：检查规则，说明一句话怎么判断，在终端里对话。"""


@bot.command("check")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
def bot_check(folder: Path | None) -> None:
    """检查规则，跑一遍每条规则自带的例子。FOLDER 是放规则的文件夹，不给就是自带的。"""
    from backend import bot_command

    with _explained():
        if folder is not None:
            _must_exist(folder)
        bot_command.check(folder, console)


def _about(command: Callable[..., None]) -> Callable[..., None]:
    """Of whom it is, for the commands that answer."""
    for option in reversed(
        (
            click.option("--age", type=click.IntRange(0, 130), help="年龄（岁）。"),
            click.option("--sex", type=click.Choice(("男", "女")), help="性别。"),
            click.option("--pregnant/--not-pregnant", default=None, help="是否怀孕。"),
            click.option("--condition", "conditions", multiple=True, help="慢性病，可多次。"),
            click.option("--json", "as_json", is_flag=True, help="写成 JSON。"),
        )
    ):
        command = option(command)
    return command


@bot.command("evaluate")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="给程序读的结果。")
def bot_evaluate(folder: Path, as_json: bool) -> None:
    """在标注过的文件上评测：科室、导诊、意图、危险信号、否定和用时。"""
    from backend import evaluate_command

    with _explained():
        evaluate_command.evaluate(folder, console, as_json=as_json)


@bot.command("explain")
@click.argument("text")
@_about
def bot_explain(text: str, as_json: bool, **person: Any) -> None:
    """说明一句话怎么判断：原文的哪几个字、哪条规则、什么版本、多少分。"""
    from backend import bot_command

    with _explained():
        bot_command.explain(text, bot_command.person(**person), console, as_json=as_json)


@bot.command("ask")
@click.argument("texts", nargs=-1)
@_about
def bot_ask(texts: tuple[str, ...], as_json: bool, **person: Any) -> None:
    """和机器人对话。TEXTS 是一句接一句的话；不给就在终端里一行一行地说，说「退出」结束。"""
    from backend import bot_command

    with _explained():
        said = texts or bot_command.typed(console)
        bot_command.ask(said, bot_command.person(**person), console, as_json=as_json)


@main.command()
@click.option("--port", default=8001, show_default=True)
@click.option("--state", type=click.Path(path_type=Path), help="记住用户和消息的文件。")
@click.option("--callback", help="推送到哪个地址；不给就不推送。")
@click.option("--origin", "origins", multiple=True, help="哪个网站的页面可以当手机用；可多次。")
def simulator(
    port: int, state: Path | None, callback: str | None, origins: tuple[str, ...]
) -> None:
    """启动微信模拟器，账号取自设置。只用于演示和测试。"""
    from backend import serving, simulating

    with _explained():
        settings = _settings()
        sock = serving.listen(settings.host, port)
        asyncio.run(simulating.run(settings, sock, state=state, callback=callback, origins=origins))


@main.command()
@click.option("--new-keys", is_flag=True, help="生成一组新密钥，写成 .env 的样子。")
def doctor(new_keys: bool) -> None:
    """检查设置和环境，说明哪里不对、怎么改。"""
    from backend import doctor as doctors

    if new_keys:
        click.echo(doctors.new_keys())
        return
    with _explained():
        findings = asyncio.run(doctors.examine(_variables(), Path.cwd()))
    for finding in findings:
        console.print(f"{SIGNS[finding.verdict]} ", end="")
        console.print(finding.what, markup=False, soft_wrap=True)
        if finding.mend:
            console.print(f"    → {finding.mend}", markup=False, soft_wrap=True)
    if any(finding.verdict == "fail" for finding in findings):
        sys.exit(1)
    console.print("[green]没有发现错误。[/]")


def _must_exist(path: Path) -> None:
    """Raises Refused; of click's own check the sentence is English alone."""
    if not path.exists():
        raise Refused(
            f"找不到 {path}，请核对名字和所在的文件夹。 / There is no such file or folder."
        )


def _variables() -> dict[str, str]:
    return environment.read(Path.cwd(), os.environ)


def _settings() -> Settings:
    settings = from_env(_variables())
    logs.configure(json=settings.log_json, level=settings.log_level)
    return settings


@contextlib.contextmanager
def _prepared() -> Iterator[Settings]:
    """For commands that change what a running server keeps: the schema is right, nobody else there.

    On SQLite the server has to be stopped first.
    """
    with _explained():
        settings = _settings()
        asyncio.run(schema.insist(settings))
        with _alone(settings):
            yield settings


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """On SQLite nobody else may have the file; PostgreSQL minds its own."""
    if not settings.embedded:
        yield
        return
    with lease.alone(settings.database_path):
        yield


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """An expected trouble is a sentence, not a traceback. Exit code 1."""
    try:
        yield
        return
    except (Refused, SettingsError) as error:
        lines = str(error).splitlines()
    except UNREACHABLE as error:
        lines = [f"{type(error).__name__}: {error}", "jiamenkou doctor 会说明哪里不对。"]
    for line in lines:
        errors.print("[red]✗[/] ", end="")
        errors.print(line, markup=False)
    sys.exit(1)


def _run(work: Coroutine[Any, Any, None]) -> int:
    try:
        import uvloop
    except ImportError:  # Windows, PyPy
        asyncio.run(work)
    else:
        uvloop.run(work)
    return 0


if __name__ == "__main__":
    main(prog_name="jiamenkou")
