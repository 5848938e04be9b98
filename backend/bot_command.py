"""What `jiamenkou bot check`, `bot explain` and `bot ask` show. Needs no settings and no database.

Rules without a doctor's signature are used here all the same, and it is said: an author has to see
what they would do.
"""

import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from backend.bot import checking, compiled, dialogue, rules, schema, triage
from backend.bot.rules import FOLDER, Rules
from backend.bot.talk import HandOver, Person, Reply, Said, Triage, Turn
from backend.refused import Refused

SHOWN_MOST = 20
UNSIGNED = "示例规则，未经医生审核。 / Unsigned: for a demo only."
ENDS = ("退出", "exit", "quit", "q")


def check(folder: Path | None, console: Console) -> None:
    """Load, run every example, show what is covered. Raises Refused: an example fails."""
    started = time.perf_counter()
    read = _rules(folder)
    took_ms = (time.perf_counter() - started) * 1000
    failed = checking.failures(read)
    found = checking.coverage(read)
    table = Table("种类", "规则", "正例", "反例", "未签字", title=f"规则版本 {read.version}")
    for kind, of in _by_kind(read):
        table.add_row(
            kind,
            str(len(of)),
            str(sum(len(rule.positive) for rule in of)),
            str(sum(len(rule.negative) for rule in of)),
            str(sum(not rule.reviewed_by for rule in of)),
        )
    console.print(table)
    console.print(
        f"征象 {len(read.signs)} 个，说法 {found.terms} 个词，"
        f"其中 {found.touched} 个在例子里出现过；读入用了 {took_ms:.0f} ms，"
        f"程序{'是编译过的' if compiled.is_used() else '没有编译'}。",
        soft_wrap=True,
    )
    _listed(console, "例子少于三个的规则", found.few)
    _listed(console, "例子里没有出现过的征象", found.unused)
    if found.unsigned:
        console.print(
            f"[yellow]![/] {len(found.unsigned)} 条临床规则没有医生签字。{UNSIGNED}"
            " 不是演示时只给出 120 的提示，其余都转人工。",
            soft_wrap=True,
        )
    if failed:
        raise Refused("\n".join(_sentence(one) for one in failed))
    console.print(f"[green]✓[/] {found.examples} 个例子都符合。")


def explain(text: str, person: Person, console: Console, *, as_json: bool) -> None:
    """Every span that counted, with its rule, version, status and score."""
    read = _rules(None)
    found = triage.decide(read, person, [text])
    if as_json:
        _write_json(console, {"version": read.version, "triage": found})
        return
    table = Table("原文", "位置", "种类", "规则", "版本", "判断", "分数", title=read.version)
    for one in found.evidence:
        table.add_row(
            escape(one.text),
            f"{one.turn + 1}:{one.start}–{one.end}",
            one.kind,
            one.rule_id,
            one.rule_version,
            one.status,
            f"{one.score:.3f}" if one.score else "",
        )
    console.print(table)
    _decision(console, found)


def ask(said: Iterable[str], person: Person, console: Console, *, as_json: bool) -> None:
    """A dialogue: the turns that are given, or line by line from the keyboard."""
    read = _rules(None)
    turn = dialogue.begin(read, person)
    turns = [turn]
    if not as_json:
        _replies(console, turn)
    for text in said:
        turn = dialogue.answer(read, person, turn.memory, _said(text, turn))
        turns.append(turn)
        if not as_json:
            _replies(console, turn)
    if as_json:
        _write_json(console, turns)


def typed(console: Console) -> Iterable[str]:
    """Lines until the end of input, or a word that ends it."""
    while True:
        try:
            line = console.input("[bold]您：[/]").strip()
        except EOFError:
            return
        if line in ENDS:
            return
        yield line


def person(
    age: int | None, sex: str | None, pregnant: bool | None, conditions: tuple[str, ...]
) -> Person:
    found = {"男": "male", "女": "female"}.get(sex or "")
    return msgspec.convert(
        {
            "age_months": None if age is None else age * 12,
            "sex": found,
            "is_pregnant": pregnant,
            "conditions": conditions,
        },
        Person,
    )


def _rules(folder: Path | None) -> Rules:
    return rules.load(folder or FOLDER, unsigned_allowed=True)


def _said(text: str, turn: Turn) -> Said:
    """A number picks the quick reply that it stands before."""
    offered = _offered(turn.replies)
    if text.isascii() and text.isdigit() and 1 <= int(text) <= len(offered):
        return Said(choice=offered[int(text) - 1][0])
    return Said(text)


def _offered(replies: Iterable[Reply]) -> list[tuple[str, str]]:
    return [(choice.id, choice.label) for reply in replies for choice in reply.choices]


def _replies(console: Console, turn: Turn) -> None:
    for reply in turn.replies:
        colour = {"emergency": "bold red", "faq": "cyan", "guide": "green"}.get(reply.kind, "")
        console.print(f"[{colour}]{escape(reply.text)}[/]" if colour else escape(reply.text))
    if offered := _offered(turn.replies):
        labels = "  ".join(f"{number}.{label}" for number, (_, label) in enumerate(offered, 1))
        console.print(f"[dim]{escape(labels)}[/]")
    for action in turn.actions:
        what = f"转人工（{action.reason}）" if isinstance(action, HandOver) else repr(action)
        console.print(f"[magenta]→ {escape(what)}[/]")


def _decision(console: Console, found: Triage) -> None:
    flags = "、".join(f"{flag.name}（{flag.level}）" for flag in found.red_flags) or "无"
    ranked = "、".join(f"{one.name} {one.score:.2f}" for one in found.departments[:3]) or "未定"
    for label, value in (
        ("危险信号", flags),
        ("级别", found.priority),
        ("去哪一级", found.tier),
        ("科室", ranked),
        ("意图", found.intent),
        ("下一步", found.next_step),
        ("加重时", found.safety_net),
    ):
        console.print(f"[bold]{label}[/] {escape(value)}")
    console.print(escape(found.summary), style="dim")
    if not found.signed:
        console.print(f"[yellow]![/] {UNSIGNED}")


def _by_kind(read: Rules) -> list[tuple[str, list[schema.Rule]]]:
    kinds: dict[str, list[schema.Rule]] = {}
    for kind, rule in read.every():
        kinds.setdefault(kind, []).append(rule)
    return list(kinds.items())


def _listed(console: Console, title: str, names: tuple[str, ...]) -> None:
    if names:
        more = "" if len(names) <= SHOWN_MOST else f" …（共 {len(names)}）"
        console.print(
            f"[dim]{title}：{escape('、'.join(names[:SHOWN_MOST]))}{more}[/]", soft_wrap=True
        )


def _sentence(one: checking.Failure) -> str:
    return f"{one.rule}：「{one.example}」{'应当' if one.expected else '不应当'}命中。"


def _write_json(console: Console, what: object) -> None:
    console.file.write(msgspec.json.format(msgspec.json.encode(what), indent=2).decode() + "\n")
