"""The servers under test: each a process of its own, started once and stopped at the end."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import seed

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "benchmarks" / "peers"
PEER_ENVIRONMENT = PEERS / ".venv"
START_S, STOP_S, CHECK_S = 30.0, 15.0, 0.1
# Thousands of people come from one address here, so only the limit per address is lifted; the one
# per account stays what it is, 30 bookings a minute.
READS_PER_MINUTE = 999_999_999


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def memory_mib(self) -> float:
        """Resident, now."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise LookupError("VmRSS")

    def cpu_s(self) -> float:
        """Processor time spent so far, in user and system mode."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def ours(name: str, database_url: str, folder: Path, tree: Path = ROOT) -> Iterator[Server]:
    """`jiamenkou serve`, one process, its settings the defaults but for those named here."""
    port = free_port()
    environment = {
        "JIAMENKOU_DATABASE_URL": database_url,
        "JIAMENKOU_PORT": str(port),
        "JIAMENKOU_ENCRYPTION_KEYS": f"b1:{seed.KEY}",
        "JIAMENKOU_INDEX_KEY": seed.KEY,
        "JIAMENKOU_READS_PER_MINUTE": str(READS_PER_MINUTE),
        "PYTHONPATH": str(tree),
    }
    command = [sys.executable, "-m", "backend", "serve"]
    with _running(name, port, command, environment, folder, "/healthz") as server:
        yield server


@contextlib.contextmanager
def hello(folder: Path) -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, str(PEERS / "hello.py"), str(port)]
    with _running("hello", port, command, {}, folder, "/") as server:
        yield server


@contextlib.contextmanager
def fastapi_orm(database_url: str, folder: Path) -> Iterator[Server]:
    port = free_port()
    command = [
        str(PEER_ENVIRONMENT / "bin" / "uvicorn"), "app:app", "--port", str(port),
        "--app-dir", str(PEERS / "fastapi_orm"), "--no-access-log", "--log-level", "warning",
        "--loop", "uvloop", "--http", "httptools",
    ]  # fmt: skip
    environment = {"DATABASE_URL": database_url.replace("postgres://", "postgresql+asyncpg://", 1)}
    with _running("FastAPI + SQLAlchemy", port, command, environment, folder, "/docs") as server:
        yield server


def peer_environment() -> None:
    """The peer's own packages, installed once, as pip is told to."""
    requirements = PEERS / "fastapi_orm" / "requirements.txt"
    stamp = PEER_ENVIRONMENT / "installed.txt"
    if stamp.is_file() and stamp.read_text() == requirements.read_text():
        return
    print("Setting up the peer's environment …", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(PEER_ENVIRONMENT)], check=True)
    pip = [str(PEER_ENVIRONMENT / "bin" / "python"), "-m", "pip", "--quiet"]
    pip += ["--disable-pip-version-check", "install", "-r", str(requirements)]
    subprocess.run(pip, check=True)
    stamp.write_text(requirements.read_text())


@contextlib.contextmanager
def _running(
    name: str, port: int, command: list[str], environment: dict[str, str], folder: Path, path: str
) -> Iterator[Server]:
    log = folder / f"{name.replace(' ', '-')}.log"
    home = folder / f"{name.replace(' ', '-')}.home"  # a place without any .env
    home.mkdir(exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env={k: v for k, v in os.environ.items() if not k.startswith("JIAMENKOU_")}
            | environment,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd=home,
        )
    try:
        server = Server(name, port, process.pid)
        _wait(process, server, path, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], server: Server, path: str, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(server.url + path, timeout=2):  # noqa: S310  our own
                return
        except (urllib.error.URLError, OSError):
            time.sleep(CHECK_S)
    raise RuntimeError(f"{server.name} did not start:\n{log.read_text(errors='replace')[-3000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
