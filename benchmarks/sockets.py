"""Idle conversations: what an open WebSocket costs, and how soon a message reaches it.

    python -m benchmarks.sockets [--sockets 5000] [--messages 300] [--no-results]

One process of ours, on SQLite. All sockets are opened and left idle, each with an account and a
conversation of its own; then one conversation after the other gets a message over HTTP, and the
time from asking until its socket has it is taken. Writes the section `sockets` of RESULTS.md.
"""

import argparse
import asyncio
import json
import os
import ssl
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import uvloop
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from backend import clock, db
from backend.chat.models import Conversation
from backend.identity.models import Account, Session
from backend.identity.sessions import token_hash
from backend.migrate import migrate
from benchmarks import report, seed, servers
from benchmarks.servers import Server

SOCKETS, MESSAGES = 5000, 300
AT_ONCE = 16  # handshakes under way
TRIES, AGAIN_S = 20, 1.0
SETTLE_S = 15.0
IDLE_S = 60.0  # in which each did all that it does by itself
HEARS_S = 60.0
PER_CENT = 100


@dataclass
class Line:
    """An account in its conversation, and its socket."""

    token: str
    talk: UUID
    socket: ClientConnection | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}


async def lines(url: str, number: int) -> list[Line]:
    """Accounts that have a doctor, so that the bot adds nothing."""
    settings = seed.settings_for(url)
    await migrate(settings)
    await db.connect(settings)
    now, county = clock.now(), settings.consortium_id
    found = [Line(seed.token(one), uuid4()) for one in range(number)]
    accounts, sessions, talks = [], [], []
    for line in found:
        account_id = uuid4()
        accounts.append(
            Account(
                id=account_id, consortium_id=county, openid_index=account_id.hex,
                openid_sealed="b1:x", created_at=now,
            )
        )  # fmt: skip
        sessions.append(
            Session(
                id=uuid4(), consortium_id=county, account_id=account_id,
                token_hash=token_hash(line.token), created_at=now, last_seen_at=now,
                expires_at=now + timedelta(days=1),
            )
        )  # fmt: skip
        talks.append(
            Conversation(
                id=line.talk, consortium_id=county, account_id=account_id, state="open",
                opened_at=now, last_at=now, queued_at=now, claimed_by=uuid4(), claimed_at=now,
            )
        )  # fmt: skip
    for rows in (accounts, sessions, talks):
        await type(rows[0]).bulk_create(rows, batch_size=1000)  # type: ignore[attr-defined]
    await db.disconnect()
    return found


async def opened(http: httpx.AsyncClient, server: Server, found: list[Line]) -> float:
    """Open all of them; seconds."""
    began, gate = time.monotonic(), asyncio.Semaphore(AT_ONCE)

    async def open_one(line: Line) -> None:
        """Comes again where a busy machine turned it away, as a phone does."""
        async with gate:
            for tries_left in reversed(range(TRIES)):
                try:
                    return await come(line)
                except (httpx.HTTPError, WebSocketException, OSError):
                    if not tries_left:
                        raise
                    await asyncio.sleep(AGAIN_S)

    async def come(line: Line) -> None:
        form = {"conversation_id": str(line.talk)}
        made = await http.post("/conversations/tickets", json=form, headers=line.headers)
        made.raise_for_status()
        address = f"ws://127.0.0.1:{server.port}/api/v1/conversations/live"
        line.socket = await connect(
            f"{address}?ticket={made.json()['ticket']}", proxy=None, compression=None,
            ping_interval=None, open_timeout=HEARS_S,
        )  # fmt: skip
        first = json.loads(await line.socket.recv())
        assert first["is"] == "conversation", first

    await asyncio.gather(*(open_one(line) for line in found))
    return time.monotonic() - began


async def delivered(http: httpx.AsyncClient, line: Line) -> float:
    """From asking to hearing, ms."""
    began = time.perf_counter()
    form = {"client_id": uuid4().hex, "text": "今天好些了，还要接着吃药吗？"}
    path = f"/conversations/{line.talk}/messages"
    asking = asyncio.create_task(http.post(path, json=form, headers=line.headers))
    assert line.socket is not None
    async with asyncio.timeout(HEARS_S):
        while json.loads(await line.socket.recv())["is"] != "messages":
            pass
    took_ms = (time.perf_counter() - began) * 1000
    (await asking).raise_for_status()
    return took_ms


async def measure(number: int, messages: int, folder: Path) -> str:
    url = f"sqlite://{folder / 'county.sqlite3'}"
    found = await lines(url, number)
    with servers.ours("sockets", url, folder) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without roots, which nobody needs here
        async with httpx.AsyncClient(
            base_url=f"{server.url}/api/v1", timeout=HEARS_S, verify=context, trust_env=False
        ) as http:
            await asyncio.sleep(SETTLE_S)
            before = server.memory_mib()
            opening_s = await opened(http, server, found)
            await asyncio.sleep(SETTLE_S)
            after = server.memory_mib()
            idle_from, idle_at = server.cpu_s(), time.monotonic()
            await asyncio.sleep(IDLE_S)
            idle = (server.cpu_s() - idle_from) / (time.monotonic() - idle_at)
            step = max(1, number // messages)
            times = sorted([await delivered(http, line) for line in found[::step][:messages]])
            for line in found:
                if line.socket is not None:
                    line.socket.transport.abort()
    load = os.getloadavg()[0]
    return "\n".join(
        (
            f"{datetime.now(UTC):%Y-%m-%d}: {number:,} idle sockets in one process, on SQLite; load"
            f" {load:.1f} on {os.cpu_count()} cores, the clients' share of it included.",
            "",
            "| | |",
            "|---|---|",
            f"| Memory per socket | {(after - before) * 1024 / number:.1f} KiB |",
            f"| The process, before and with all of them | {before:.0f}, {after:.0f} MiB |",
            f"| Opening all, tickets included | {opening_s:.0f} s |",
            f"| Processor while all are idle | {idle * PER_CENT:.1f} % of a core |",
            f"| A message asked for → told, p50 | {times[len(times) // 2]:.1f} ms |",
            f"| The same, p99 of {len(times)} | {times[len(times) * 99 // 100]:.1f} ms |",
        )
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=SOCKETS)
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--no-results", action="store_true")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="jiamenkou-sockets-") as folder:
        text = uvloop.run(measure(said.sockets, said.messages, Path(folder)))
    print(text)
    if not said.no_results:
        report.rewrite("sockets", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
