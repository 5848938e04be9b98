"""Figures → a table with its gates, on the terminal and in RESULTS.md."""

import platform
import re
import statistics
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("sanic", "tortoise-orm", "asyncpg", "msgspec", "uvloop")
PEER_PACKAGES = ("fastapi", "sqlalchemy", "asyncpg", "pydantic", "uvicorn", "uvloop")


@dataclass(frozen=True, slots=True)
class Gate:
    """`ours` ÷ `yardstick`, of the same round. `most`: the ratio has to stay below, not above."""

    name: str
    ours: str
    yardstick: str
    gate: float
    stretch: float
    most: bool = False

    def passed(self, ratio: float, against: float) -> bool:
        return ratio <= against if self.most else ratio >= against


GATES = (
    Gate("Booking ÷ pgbench one statement, 32 clients", "booking", "pgbench", 0.4, 1.3),
    Gate("Hot slot ÷ pgbench on one row, 8 clients", "hot", "pgbench_hot", 1.2, 5),
    Gate("Booking ÷ FastAPI + SQLAlchemy", "booking", "peer", 10, 25),
    Gate("Sold-out answer ÷ hello", "full", "hello", 0.3, 0.7),
    Gate("List, cached ÷ hello", "cached", "hello", 0.6, 0.9),
    Gate("List, uncached ÷ FastAPI + SQLAlchemy", "uncached", "peer_list", 5, 10),
    Gate("SQLite (synchronous=FULL) booking ÷ hello", "sqlite", "hello", 0.15, 0.55),
    Gate("Herd p99 ÷ FastAPI + SQLAlchemy p99", "herd", "peer_herd", 1 / 3, 1 / 10, most=True),
)
# name → (what it is, unit)
FIGURES = {
    "hello": ("Sanic hello world", "/s"),
    "booking": ("Booking, 1,800 slots of one day", "/s"),
    "pgbench": ("pgbench, the same rows in one statement, 32 clients", "/s"),
    "peer": ("FastAPI + SQLAlchemy, the same booking", "/s"),
    "hot": ("Booking, one slot", "/s"),
    "pgbench_hot": ("pgbench, one slot, 8 clients", "/s"),
    "full": ("Sold-out answer", "/s"),
    "cached": ("List of 30 schedules, cached", "/s"),
    "uncached": ("List of 30 schedules, never the same twice", "/s"),
    "peer_list": ("FastAPI + SQLAlchemy, the same lists", "/s"),
    "sqlite": ("Booking on SQLite, synchronous=FULL", "/s"),
    "herd": ("Herd: 2,000 tap at once for 30 places, p99", " ms"),
    "peer_herd": ("FastAPI + SQLAlchemy, the same herd, p99", " ms"),
}
Round = Mapping[str, float]


def medians(rounds: list[Round]) -> dict[str, float]:
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def ratios(rounds: list[Round], gate: Gate) -> list[float]:
    """One per round: what a neighbour does to a round, it does to both sides of it."""
    return [one[gate.ours] / one[gate.yardstick] for one in rounds]


def verdicts(rounds: list[Round]) -> list[tuple[Gate, float, bool]]:
    found = ((gate, statistics.median(ratios(rounds, gate))) for gate in GATES)
    return [(gate, ratio, gate.passed(ratio, gate.gate)) for gate, ratio in found]


def table(rounds: list[Round]) -> str:
    lines = ["| | ratio | rounds | gate | stretch | |", "|---|---|---|---|---|---|"]
    for gate, ratio, passed in verdicts(rounds):
        each = ratios(rounds, gate)
        sign = "≤" if gate.most else "≥"
        reached = gate.passed(ratio, gate.stretch)
        verdict = "stretch" if reached else "met" if passed else "**missed**"
        lines.append(
            f"| {gate.name} | **{_short(ratio)}** | {_short(min(each))}–{_short(max(each))}"
            f" | {sign} {_short(gate.gate)} | {_short(gate.stretch)} | {verdict} |"
        )
    return "\n".join(lines)


def figures(rounds: list[Round], cpu_us: Mapping[str, float]) -> str:
    """`cpu_us`: processor time of our process for one answer, where it was taken."""
    lines = ["| | median | rounds | our process |", "|---|---|---|---|"]
    middle = medians(rounds)
    for name, (what, unit) in FIGURES.items():
        each = [one[name] for one in rounds]
        cpu = f"{cpu_us[name]:.0f} µs" if name in cpu_us else ""
        lines.append(
            f"| {what} | {middle[name]:,.0f}{unit} | {min(each):,.0f}–{max(each):,.0f} | {cpu} |"
        )
    return "\n".join(lines)


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 20 else f"{number:.1f}" if number >= 2 else f"{number:.2f}"


# --- the machine ----------------------------------------------------------------------------------


def machine(database: Mapping[str, str], peer_python: Path) -> str:
    """`database`: server settings by name, and its version."""
    ours = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    facts = [
        f"{_cpu()}, {_cores()} cores, {_ram_gib():.0f} GiB RAM; {platform.system()}"
        f" {platform.release()}",
        f"Python {platform.python_version()}; {ours}",
        f"peer: {_peer_versions(peer_python)}",
        f"PostgreSQL {database['server_version']}; "
        + ", ".join(f"{name} {value}" for name, value in database.items() if "version" not in name),
    ]
    return "\n".join(f"- {fact}" for fact in facts)


def _cpu() -> str:
    found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    return found.group(1) if found else platform.processor()


def _cores() -> int:
    return Path("/proc/cpuinfo").read_text().count("processor\t:")


def _ram_gib() -> float:
    found = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return int(found.group(1)) / 1024 / 1024 if found else 0.0


def _peer_versions(python: Path) -> str:
    code = f"from importlib.metadata import version\nfor n in {PEER_PACKAGES}: print(n, version(n))"
    done = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    return ", ".join(done.stdout.split("\n")).rstrip(", ")


# --- RESULTS.md -----------------------------------------------------------------------------------


def rewrite(section: str, text: str, path: Path = RESULTS) -> None:
    """Replace what stands between the section's two marks; the rest is written by people."""
    begin, end = f"<!-- {section} -->", f"<!-- end of {section} -->"
    whole = path.read_text("utf-8")
    before, found, rest = whole.partition(begin)
    assert found, f"{path.name} has no {begin}"
    _, found, after = rest.partition(end)
    assert found, f"{path.name} has no {end}"
    path.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}", "utf-8")
