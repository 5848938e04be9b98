"""What `jiamenkou bot evaluate` shows. Reads one folder, writes nothing, needs no network."""

import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from backend.bot import datasets, departments, evaluating, rules
from backend.bot.evaluating import Key, Result, Share
from backend.refused import Refused

SHOWN_MOST = 15
TITLES: dict[str, str] = {
    "department": "科室",
    "without_age": "科室（不给年龄）",
    "left_out": "留出来源",
    "guide": "导诊",
    "intent": "意图",
    "red_flags": "危险信号",
    "phrases": "危险信号的说法",
    "alert_rate": "报警率",
    "negation": "否定",
    "latency_us": "一轮用时（µs）",
}


def evaluate(folder: Path, console: Console, *, as_json: bool) -> None:
    """Raises Refused: there is nothing in the folder that anything could be measured on."""
    if not folder.is_dir():
        raise Refused(f"没有文件夹 {folder}。 / No such folder.")
    known = rules.load(unsigned_allowed=True)
    data = datasets.read(folder, departments.names(known))
    result = evaluating.evaluate(known, data)
    if not result.shares:
        why = "\n".join(data.faults)
        raise Refused(f"{folder} 里没有可以评测的文件。 / Nothing to measure.\n{why}")
    if as_json:
        console.file.write(json.dumps(evaluating.as_json(result), ensure_ascii=False) + "\n")
        return
    console.print(_table(result))
    if result.confusions:
        console.print(_confusions(result))
    _listed(console, "漏报", result.missed)
    _listed(console, "误报", result.false)
    for note in result.notes:
        console.print(f"· {note}", soft_wrap=True, markup=False)


def _table(result: Result) -> Table:
    table = Table("项目", "结果", "95 % 区间（Wilson）", "计数", title="评测")
    means = {key: number for key, number in result.numbers.items() if key[0] == "department"}
    for key, share in result.shares.items():
        if key[0] not in ("department", "without_age", "left_out") and means:
            _numbers(table, means)
            means = {}
        table.add_row(_name(key), *_cells(share))
    _numbers(table, means)
    rest = {key: number for key, number in result.numbers.items() if key[0] != "department"}
    _numbers(table, rest)
    return table


def _numbers(table: Table, numbers: dict[Key, float]) -> None:
    for key, number in numbers.items():
        table.add_row(_name(key), f"{number:.1f}" if number > 1 else f"{number:.4f}", "", "")


def _name(key: Key) -> str:
    return " · ".join((TITLES[key[0]], *key[1:]))


def _cells(share: Share) -> tuple[str, str, str]:
    low, high = share.wilson()
    value = "—" if share.value is None else f"{share.value:.4f}"
    return value, f"{low:.4f}–{high:.4f}", f"{share.hit}/{share.of}"


def _confusions(result: Result) -> Table:
    table = Table("应为", "答成", "次数", title="最常混淆的科室")
    for right, said, many in result.confusions[:SHOWN_MOST]:
        table.add_row(right, said, str(many))
    return table


def _listed(console: Console, title: str, names: list[str]) -> None:
    if names:
        console.print(f"{title}：{'；'.join(names)}", soft_wrap=True, markup=False)
