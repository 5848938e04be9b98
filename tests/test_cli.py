"""The `jiamenkou` command as an operator meets it: what it says, refuses and leaves behind."""

import asyncio
import base64
import contextlib
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from backend import environment
from backend.demo.guide import PEOPLE, commands
from backend.demo.run import COUNTY
from backend.doctor import examine, new_keys
from backend.serving import listen
from backend.settings import Settings, from_env
from tests import processes
from tests.conftest import KEY, make_settings
from tests.ports import free_port
from tests.processes import ROOT, answers, environ, running, until, variables
from tests.serving import NO_ROOTS

SETTINGS = make_settings("sqlite://x")


def embedded(tmp_path: Path, **changes: str) -> dict[str, str]:
    """The variables of an embedded database in `tmp_path`."""
    return variables(SETTINGS, DATABASE_URL=f"sqlite://{tmp_path}/j.sqlite3", **changes)


def test_help_names_every_command(tmp_path: Path) -> None:
    shown = processes.run("--help", said={}, cwd=tmp_path, anew=True).stdout
    for command in ("demo", "serve", "worker", "migrate", "import", "simulator", "doctor", "staff"):
        assert command in shown


def test_wrong_settings_are_all_told_and_nothing_else(tmp_path: Path) -> None:
    said = embedded(tmp_path, PORT="0", WORKERS="2", NONSENSE="1")
    refused = processes.run("serve", said=said, cwd=tmp_path)
    assert refused.returncode == 1
    assert "JIAMENKOU_NONSENSE" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert KEY not in refused.stderr + refused.stdout


def test_two_processes_on_sqlite_are_refused_with_the_reason(tmp_path: Path) -> None:
    """Issue: two workers on SQLite are refused with the reason."""
    refused = processes.run("serve", said=embedded(tmp_path, WORKERS="2"), cwd=tmp_path)
    assert refused.returncode == 1
    assert "SQLite 只能由一个进程写入" in refused.stderr


def test_a_taken_port_is_one_sentence(settings: Settings, tmp_path: Path) -> None:
    sock = listen("127.0.0.1", 0)
    said = variables(settings, PORT=str(sock.getsockname()[1]))
    refused = processes.run("serve", said=said, cwd=tmp_path)
    sock.close()
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "请换一个端口" in refused.stderr


def test_a_database_that_is_away_is_a_sentence(tmp_path: Path) -> None:
    url = f"postgres://u:hidden-word@127.0.0.1:{free_port()}/d"
    refused = processes.run("migrate", said=variables(SETTINGS, DATABASE_URL=url), cwd=tmp_path)
    assert refused.returncode == 1
    assert "jiamenkou doctor" in refused.stderr
    assert "hidden-word" not in refused.stderr + refused.stdout
    assert "Traceback" not in refused.stderr


@dataclass
class Migrated:
    """What the command said, and the database that it made."""

    done: "subprocess.CompletedProcess[str]"
    database: Path

    def copy(self, folder: Path) -> None:
        shutil.copy(self.database, folder / self.database.name)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Migrated:
    """With the settings in a file."""
    folder = tmp_path_factory.mktemp("migrated")
    lines = [f"{name}={value}" for name, value in embedded(folder).items()]
    (folder / ".env").write_text("\n".join(lines))
    return Migrated(processes.run("migrate", said={}, cwd=folder), folder / "j.sqlite3")


def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "j.sqlite3").write_text("a letter to somebody, and no database\n" * 9)
    refused = processes.run("migrate", said=embedded(tmp_path), cwd=tmp_path)
    assert refused.returncode == 1
    assert "file is not a database" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_migrate_twice_changes_nothing_the_second_time(migrated: Migrated, tmp_path: Path) -> None:
    assert "0001_initial" in migrated.done.stdout
    migrated.copy(tmp_path)
    second = processes.run("migrate", said=embedded(tmp_path), cwd=tmp_path)
    assert second.returncode == 0
    assert "0001_initial" not in second.stdout


def test_the_environment_may_be_a_file(migrated: Migrated) -> None:
    assert migrated.done.returncode == 0
    assert migrated.database.exists()


def test_import_shows_what_it_would_do_does_it_and_then_nothing(
    migrated: Migrated, tmp_path: Path
) -> None:
    said = embedded(tmp_path)
    migrated.copy(tmp_path)

    dry = processes.run("import", str(COUNTY), "--dry-run", said=said, cwd=tmp_path)
    assert dry.returncode == 0, dry.stderr
    assert "只是检查" in dry.stdout
    assert organizations(tmp_path) == 0

    done = processes.run("import", str(COUNTY), said=said, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "已导入" in done.stdout
    assert organizations(tmp_path) > 20

    again = processes.run("import", str(COUNTY), said=said, cwd=tmp_path)
    assert "没有变化" in again.stdout


def organizations(tmp_path: Path) -> int:
    with sqlite3.connect(tmp_path / "j.sqlite3") as connection:
        count: int = connection.execute("SELECT count(*) FROM organization").fetchone()[0]
        return count


def test_a_bad_workbook_is_refused_with_its_faults(migrated: Migrated, tmp_path: Path) -> None:
    said = embedded(tmp_path)
    migrated.copy(tmp_path)
    template = tmp_path / "empty.xlsx"
    assert processes.run("import", "--template", str(template), said={}, cwd=tmp_path).stdout
    refused = processes.run("import", str(template), said=said, cwd=tmp_path)
    assert refused.returncode == 1
    assert "没有导入任何内容" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_template_needs_no_name_and_never_overwrites(tmp_path: Path) -> None:
    """The file of that name may be the county's own, filled in."""
    made = processes.run("import", "--template", said={}, cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    written = (tmp_path / "county.xlsx").read_bytes()

    again = processes.run("import", "--template", "county.xlsx", said={}, cwd=tmp_path)
    assert again.returncode == 1
    assert "已经存在" in again.stderr
    assert (tmp_path / "county.xlsx").read_bytes() == written

    nowhere = processes.run("import", "--template", "none/county.xlsx", said={}, cwd=tmp_path)
    assert nowhere.returncode == 1
    assert "不能写入 none/county.xlsx" in nowhere.stderr


def test_import_wants_a_workbook(tmp_path: Path) -> None:
    assert processes.run("import", said=embedded(tmp_path), cwd=tmp_path).returncode == 2


@pytest.mark.parametrize("command", [("import", "nope.xlsx"), ("bot", "check", "nope")])
def test_what_is_not_there_is_said_in_one_sentence(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    refused = processes.run(*command, said=embedded(tmp_path), cwd=tmp_path)
    assert refused.returncode == 1
    (sentence,) = refused.stderr.splitlines()
    assert f"找不到 {command[-1]}" in sentence
    assert "no such file" in sentence


def test_new_keys_are_good_settings_and_new() -> None:
    one, other = environment.parse(new_keys()), environment.parse(new_keys())
    assert len(from_env(one).keys) == 1
    assert len(base64.b64decode(one["JIAMENKOU_INDEX_KEY"])) == 32
    assert not set(one.values()) & set(other.values())


def test_the_command_prints_new_keys(tmp_path: Path) -> None:
    shown = processes.run("doctor", "--new-keys", said={}, cwd=tmp_path)
    assert from_env(environment.parse(shown.stdout)).keys


def found(said: dict[str, str], folder: Path) -> dict[str, list[str]]:
    """Verdict → what was found and how to mend it."""
    verdicts: dict[str, list[str]] = {"ok": [], "warn": [], "fail": []}
    for finding in asyncio.run(examine(said, folder)):
        verdicts[finding.verdict].append(f"{finding.what} {finding.mend}")
    return verdicts


WELL = {"WECHAT_APPID": "wx1", "WECHAT_SECRET": "s"}


def test_the_doctor_finds_nothing_wrong_with_what_is_well(
    settings: Settings, tmp_path: Path
) -> None:
    assert found(variables(settings, **WELL), tmp_path)["fail"] == []


def test_the_doctor_tells_every_fault_of_the_settings(tmp_path: Path) -> None:
    said = found(embedded(tmp_path, PORT="0", CONSORTIUM="大县"), tmp_path)["fail"]
    assert len(said) == 2


@pytest.mark.parametrize(
    ("changes", "verdict", "said"),
    [
        ({"WECHAT_APPID": ""}, "fail", "AppID"),
        ({"WECHAT_PUSH_TOKEN": "t", "WECHAT_PUSH_AES_KEY": "short"}, "fail", "AES_KEY"),
        ({"PUBLIC_URL": "https://jmk.example"}, "fail", "ALLOWED_HOSTS"),
        ({"PUBLIC_URL": "http://jmk.example"}, "fail", "https"),
        ({"PUBLIC_URL": "https://jmk.example"}, "warn", "TRUSTED_PROXIES"),
        ({"WECHAT_BASE_URL": "http://127.0.0.1:1"}, "warn", "不是真正的微信"),
        ({"DATABASE_URL": "sqlite:///nowhere/at/all.sqlite3"}, "fail", "jiamenkou migrate"),
        ({"DATABASE_URL": "postgres://u:hidden-word@127.0.0.1:1/d"}, "fail", "连不上数据库"),
        ({"REDIS_URL": "redis://:hidden-word@127.0.0.1:1/0"}, "fail", "连不上 Redis"),
    ],
)
def test_the_doctor_says_what_is_wrong(
    settings: Settings, tmp_path: Path, changes: dict[str, str], verdict: str, said: str
) -> None:
    verdicts = found(variables(settings, **WELL | changes), tmp_path)
    assert any(said in line for line in verdicts[verdict]), verdicts
    assert "hidden-word" not in str(verdicts)


def test_the_doctor_minds_who_can_read_the_keys(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / ".env").touch(mode=0o644)
    assert any("chmod 600" in line for line in found(variables(settings), tmp_path)["warn"])


def test_the_doctor_ends_with_1_when_something_is_wrong(tmp_path: Path) -> None:
    said = embedded(tmp_path)
    sick = processes.run("doctor", said=said, cwd=tmp_path)
    assert sick.returncode == 1
    assert "→" in sick.stdout
    assert KEY not in sick.stdout + sick.stderr


def ready(port: int) -> bool:
    return answers(f"http://127.0.0.1:{port}/readyz") and answers(
        f"http://127.0.0.1:{port + 1}/_sim/health"
    )


def test_the_demo_starts_keeps_its_data_and_stops(tmp_path: Path) -> None:
    """Issue: everything answers, identities can log in, Ctrl-C stops all, data stay, RESET; and
    its children end with it even by SIGKILL."""
    port, home = free_port(2), tmp_path / "demo"
    arguments = ["demo", "--port", str(port), "--home", str(home)]

    said = {"JIAMENKOU_REDIS_URL": "not for the demo"}
    with running(*arguments, said=said, cwd=tmp_path, anew=True) as it:
        log = tmp_path / "log"
        until(lambda: it.poll() is not None or "已就绪" in log.read_text(), "the demo is not ready")
        shown = log.read_text()
        assert it.poll() is None, shown
        assert ready(port)
        assert f"http://127.0.0.1:{port}/api/v1/docs" in shown
        assert all(user in shown for user in PEOPLE)
        account = log_in(port)
        assert listed_organizations(port) > 20
        if shutil.which("curl"):
            assert printed_lines_work(port)
            assert walked_as_the_readme_says(port) == ["booked", "cancelled"]
        it.send_signal(signal.SIGINT)
        assert it.wait(processes.STOP_S) == 0
    assert not answers(f"http://127.0.0.1:{port}/healthz")
    assert not answers(f"http://127.0.0.1:{port + 1}/_sim/health")

    with running(*arguments, said={}, cwd=tmp_path) as it:
        until(lambda: ready(port), "it did not start again")
        assert log_in(port) == account, "a second start keeps the data"
        another = ["demo", "--port", str(free_port(2)), "--home", str(home)]
        assert "另一个进程" in processes.run(*another, said={}, cwd=tmp_path).stderr
        it.kill()
        it.wait()
        until(lambda: not answers(f"http://127.0.0.1:{port}/healthz"), "the server lives on")
        until(lambda: not answers(f"http://127.0.0.1:{port + 1}/_sim/health"), "WeChat lives on")

    kept = home / ".env"
    before = kept.read_text()
    with running(*arguments, "--reset", said={}, cwd=tmp_path):
        until(lambda: kept.exists() and kept.read_text() not in ("", before), "the same keys")
        until(lambda: accounts(home) == 0, "RESET=1 starts over")  # from here on as the first time

    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    written = "".join(path.read_text() for path in home.glob("*.log")) + shown
    for secret in environment.parse(kept.read_text()).values():
        assert re.escape(secret.partition(":")[2] or secret) not in written


def accounts(home: Path) -> int | None:
    """How many have logged in; None while there is no table of them."""
    database = f"file:{home}/jiamenkou.sqlite3?mode=ro"
    with (
        contextlib.suppress(sqlite3.OperationalError),
        contextlib.closing(sqlite3.connect(database, uri=True)) as opened,
    ):
        return int(opened.execute("SELECT count(*) FROM account").fetchone()[0])
    return None


def log_in(port: int) -> str:
    """王奶奶's account."""
    with httpx.Client(trust_env=False, verify=NO_ROOTS) as client:
        me = {"user": "wang-nainai"}
        code = client.post(f"http://127.0.0.1:{port + 1}/_sim/login", json=me).json()["code"]
        login = f"http://127.0.0.1:{port}/api/v1/login/wechat"
        account: str = client.post(login, json={"code": code}).json()["account"]["id"]
        return account


def printed_lines_work(port: int) -> bool:
    lines = commands(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port + 1}")
    return typed("\n".join(lines)).count('"items":') == 2


def walked_as_the_readme_says(port: int) -> list[str]:
    """The first word of each line that its walk prints."""
    walk = re.search(r"```sh\n(SITE=.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    assert walk
    here = walk[1].replace(":8000", f":{port}").replace(":8001", f":{port + 1}")
    return [line.split()[0] for line in typed(here).splitlines()]


def typed(lines: str) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines],
        capture_output=True, text=True, timeout=30, check=False, env=environ({}),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def listed_organizations(port: int) -> int:
    answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/organizations", trust_env=False)
    return len(answer.json()["items"])


@pytest.mark.parametrize("which", [0, 1], ids=["its own", "the simulator's"])
def test_the_demo_needs_both_ports(tmp_path: Path, which: int) -> None:
    port = free_port(2)
    sock = listen("127.0.0.1", port + which)
    refused = processes.run(
        "demo", "--port", str(port), "--home", str(tmp_path), said={}, cwd=tmp_path
    )
    sock.close()
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert str(port + which) in refused.stderr


def test_the_demo_touches_no_folder_that_holds_something_else(tmp_path: Path) -> None:
    kept = tmp_path / "var" / "jiamenkou.sqlite3"
    kept.parent.mkdir()
    kept.write_bytes(b"a county's bookings")
    arguments = ["demo", "--port", str(free_port(2)), "--home", str(kept.parent), "--reset"]
    refused = processes.run(*arguments, said={}, cwd=tmp_path)
    assert refused.returncode == 1
    assert "空的文件夹" in refused.stderr
    assert list(kept.parent.iterdir()) == [kept]


def test_the_demo_needs_a_folder_it_can_write_to(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.touch()  # root may write to any folder, but nobody to a folder below a file
    refused = processes.run(
        "demo", "--port", str(free_port(2)), "--home", str(taken / "demo"), said={}, cwd=tmp_path
    )
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "不能写入" in refused.stderr
