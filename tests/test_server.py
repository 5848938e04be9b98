"""Serving processes: how they start, what they refuse, and how they end — also by SIGKILL."""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from sanic import HTTPResponse, Request, Sanic
from sanic.response import text

from backend import logs, schema
from backend.migrate import migrate
from backend.protocol import Limits, StrictProtocol
from backend.serving import PortTaken, listen, serving
from backend.settings import Settings
from tests import processes
from tests.conftest import make_settings
from tests.ports import free_port
from tests.processes import answers, running, stop, until, variables
from tests.serving import plain_http

NAMES = itertools.count()
NEW = "http://127.0.0.1:{}/healthz"


@pytest.fixture
def redis_url(request: pytest.FixtureRequest) -> str:
    """A database of Redis that no other test uses."""
    return str(request.config.getoption("--redis-url")).rpartition("/")[0] + "/15"


async def test_begun_requests_are_finished_and_idle_connections_closed() -> None:
    """Issue: stop accepting, finish what was begun, then clean up."""
    app: Sanic[Any, Any] = Sanic(f"drain-{next(NAMES)}", configure_logging=False)
    app.config.update(MOTD=False, TOUCHUP=False)
    begun, go, cleaned = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @app.get("/slow")
    async def slow(_request: Request) -> HTTPResponse:
        begun.set()
        await go.wait()
        assert not cleaned.is_set(), "the clean-up must wait for requests"
        return text("done")

    @app.get("/")
    async def hello(_request: Request) -> HTTPResponse:
        return text("hello")

    @app.before_server_stop
    async def clean(_app: object) -> None:
        cleaned.set()

    sock = listen("127.0.0.1", 0)
    base = f"http://127.0.0.1:{sock.getsockname()[1]}"
    async with (
        plain_http() as idle,
        plain_http() as client,
    ):
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(serving(app, sock, Limits()))
            assert (await idle.get(f"{base}/")).text == "hello"
            asked = asyncio.create_task(client.get(f"{base}/slow"))
            await begun.wait()
            asyncio.get_running_loop().call_later(0.2, go.set)
        assert (await asked).text == "done"
        assert cleaned.is_set()
        with pytest.raises(httpx.ConnectError):
            await idle.get(f"{base}/")


async def test_what_does_not_end_is_cut() -> None:
    app: Sanic[Any, Any] = Sanic(f"cut-{next(NAMES)}", configure_logging=False)
    app.config.update(MOTD=False, TOUCHUP=False)
    begun = asyncio.Event()

    @app.get("/")
    async def hang(_request: Request) -> HTTPResponse:
        begun.set()
        await asyncio.sleep(60)
        return text("never")

    sock = listen("127.0.0.1", 0)
    async with plain_http() as client:
        async with serving(app, sock, Limits(), drain_s=0.2):
            asked = asyncio.create_task(client.get(f"http://127.0.0.1:{sock.getsockname()[1]}/"))
            await begun.wait()
        with pytest.raises(httpx.TransportError):
            await asyncio.wait_for(asked, 30)


async def test_a_stop_in_the_moment_in_which_somebody_connects(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its task has not begun: it ends neither the stop nor those who were begun before."""
    app: Sanic[Any, Any] = Sanic(f"moment-{next(NAMES)}", configure_logging=False)
    app.config.update(MOTD=False, TOUCHUP=False)
    made = StrictProtocol.connection_made
    closed = []

    def made_and_stopped(self: StrictProtocol, transport: Any) -> None:
        made(self, transport)
        closed.append(self.close_if_idle())

    monkeypatch.setattr(StrictProtocol, "connection_made", made_and_stopped)

    @app.get("/")
    async def hello(_request: Request) -> HTTPResponse:
        return text("hello")

    sock = listen("127.0.0.1", 0)
    async with plain_http() as client, serving(app, sock, Limits()):
        answer = await client.get(f"http://127.0.0.1:{sock.getsockname()[1]}/")
    assert (answer.text, closed) == ("hello", [False])


def test_a_taken_port_is_a_sentence() -> None:
    with contextlib.closing(listen("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            listen("127.0.0.1", port)


def test_a_process_and_its_successor(settings: Settings, tmp_path: Path) -> None:
    """What one refuses, that the next one starts after its SIGKILL, and how that one ends."""
    port = free_port()
    said = variables(settings, PORT=str(port))
    with running("serve", said=said, cwd=tmp_path) as first:
        until(lambda: answers(NEW.format(port)), "the server did not start")
        a_malformed_request_gets_a_problem_document(port)
        a_second_process_on_the_database_is_refused(settings, tmp_path)
        assert answers(NEW.format(port)), "the first goes on"
        first.kill()
        first.wait()
    with running("serve", said=said, cwd=tmp_path) as second:
        until(lambda: answers(NEW.format(port)), "the second did not start")
        sigterm_lets_a_begun_request_end(second, port)


def a_malformed_request_gets_a_problem_document(port: int) -> None:
    """Issue: refused as 400, as a problem document, and the connection is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A : 1\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in answer


def a_second_process_on_the_database_is_refused(settings: Settings, tmp_path: Path) -> None:
    """Issue: two processes on SQLite, or several without Redis: refused with the reason."""
    said = variables(settings, PORT=str(free_port()))
    book = tmp_path / "book.xlsx"
    book.touch()
    commands = [["serve"]] + ([["migrate"], ["import", str(book)]] if settings.embedded else [])
    for command in commands:
        refused = processes.run(*command, said=said, cwd=tmp_path)
        assert refused.returncode == 1, command
        assert "另一个进程" in refused.stderr, command
        assert "Traceback" not in refused.stderr, command


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return True
    return False


def sigterm_lets_a_begun_request_end(process: "subprocess.Popen[bytes]", port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(
            b"POST /api/v1/login/wechat HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{"
        )
        process.send_signal(signal.SIGTERM)
        until(lambda: refuses(port), "it went on accepting")  # soon: the request has its time
        client.sendall(b"}")
        assert client.recv(100).startswith(b"HTTP/1.1 4")
    assert process.wait(processes.STOP_S) == 0


def test_a_database_without_its_tables_is_refused(tmp_path: Path) -> None:
    empty = make_settings(f"sqlite://{tmp_path}/empty.sqlite3")
    said = variables(empty, PORT=str(free_port()))
    refused = processes.run("serve", said=said, cwd=tmp_path)
    assert refused.returncode == 1
    assert "jiamenkou migrate" in refused.stderr


async def test_missing_migrations_are_named(settings: Settings, tmp_path: Path) -> None:
    assert await schema.missing(settings) == []
    empty = make_settings(f"sqlite://{tmp_path}/empty.sqlite3")
    assert (await schema.missing(empty))[0] == "0001_initial"
    assert not (tmp_path / "empty.sqlite3").exists(), "asking must create nothing"
    await asyncio.to_thread(asyncio.run, migrate(empty))
    assert await schema.missing(empty) == []


def children(process: Any) -> list[int]:
    return sorted(child.pid for child in psutil.Process(process.pid).children())


@pytest.fixture
def two(
    postgres_only: None, settings: Settings, redis_url: str, tmp_path: Path
) -> "Iterator[tuple[Any, int]]":
    """A supervisor with two serving children, and their port."""
    port = free_port()
    said = variables(settings, PORT=str(port), WORKERS="2", REDIS_URL=redis_url)
    with running("serve", said=said, cwd=tmp_path) as process:
        until(lambda: answers(NEW.format(port)) and len(children(process)) == 2)
        yield process, port


def test_a_supervisor_replaces_who_is_killed_and_ends_all_of_them(
    two: tuple[Any, int], settings: Settings, redis_url: str, tmp_path: Path
) -> None:
    process, port = two
    a_killed_child_is_replaced_while_requests_go_on(process, port)
    killed_children_are_all_replaced(process, port)
    servers_and_workers_share_a_database_with_redis(settings, redis_url, tmp_path)
    sigterm_ends_all_of_them(process, port)


def a_killed_child_is_replaced_while_requests_go_on(process: Any, port: int) -> None:
    """Issue: kill -9 a process of several: it is replaced and requests go on."""
    for _ in range(3):
        before = children(process)
        os.kill(before[0], signal.SIGKILL)
        until(lambda: answers(NEW.format(port)), "nobody answered")
        until(lambda gone=before[0]: len(set(children(process)) - {gone}) == 2, "not replaced")
    assert all(answers(NEW.format(port)) for _ in range(20))


def killed_children_are_all_replaced(process: Any, port: int) -> None:
    before = children(process)
    for child in before:
        os.kill(child, signal.SIGKILL)
    until(
        lambda: answers(NEW.format(port)) and not set(children(process)) & set(before),
        "not all were replaced",
    )


def servers_and_workers_share_a_database_with_redis(
    settings: Settings, redis_url: str, tmp_path: Path
) -> None:
    """Issue: with Redis any number of servers and workers."""
    folder = tmp_path / "more"
    folder.mkdir()
    port = free_port()
    said = variables(settings, PORT=str(port), REDIS_URL=redis_url)
    with running("serve", said=said, cwd=folder), running("worker", said=said, cwd=folder):
        until(lambda: answers(NEW.format(port)), "another server did not start beside them")
        until(lambda: "worker.ready" in (folder / "log").read_text(), "nor a worker")


def sigterm_ends_all_of_them(process: Any, port: int) -> None:
    before = [psutil.Process(child) for child in children(process)]
    assert stop(process) == 0
    assert not any(child.is_running() for child in before)
    assert not answers(NEW.format(port))


def test_no_child_outlives_its_parent(two: tuple[Any, int]) -> None:
    """Issue: kill -9 the parent: the children end."""
    process, port = two
    orphans = [psutil.Process(child) for child in children(process)]
    process.kill()
    process.wait()
    until(lambda: not any(orphan.is_running() for orphan in orphans), "orphans")
    assert not answers(NEW.format(port))


STOPPED_WHILE_STARTING = """
import signal, sys
from backend import supervisor

supervisor.STOP_MOST_S = 3600.0

class Stopped(supervisor.Supervisor):
    def _fork(self):
        pid = super()._fork()
        self._stop(signal.SIGTERM, None)
        return pid

def child():
    while True:
        signal.pause()

Stopped(child).run(3)
"""


def test_a_child_that_was_just_started_hears_of_the_stop() -> None:
    """The signal comes between a fork and its being noted; nobody waits to be killed."""
    subprocess.run(
        [sys.executable, "-c", STOPPED_WHILE_STARTING], env=processes.environ({}),
        timeout=processes.PATIENCE_S, check=True,
    )  # fmt: skip


def test_children_give_their_requests_ids_of_their_own() -> None:
    """All of them are forked from one process, with all that it remembers."""

    def id_in_a_child() -> str:
        reader, writer = os.pipe()
        if not (child := os.fork()):
            os.write(writer, logs.new_request_id().encode())
            os._exit(0)
        os.close(writer)
        with open(reader) as written:
            os.waitpid(child, 0)
            return written.read()

    assert len({id_in_a_child() for _ in range(3)}) == 3
