"""What `jiamenkou verify-draw` shows: whether a published result follows from its seed.

Needs no settings, no database and no log-in: what is published is all that it reads.
"""

import json
from pathlib import Path

import httpx
import msgspec
from rich.console import Console
from rich.table import Table

from backend.draw import lottery
from backend.refused import Refused

TIMEOUT_S = 20.0
BYTES_MOST = 16 * 1024 * 1024
SHOWN_MOST = 20


def verify(source: str, console: Console) -> None:
    """Recompute the draw. Raises Refused: it does not hold, or can't be read."""
    found = _read(source)
    wrong = lottery.faults(found)
    if wrong:
        raise Refused("\n".join([*wrong, "核对没有通过。 / The draw does not hold."]))
    won = [one for one in found.results if one.outcome == lottery.WON]
    table = Table("名次", "签号", "结果", title="前几名")
    for one in sorted(found.results, key=lambda one: one.rank)[:SHOWN_MOST]:
        table.add_row(
            str(one.rank), one.code, {"won": "中签"}.get(one.outcome, one.reason or "未中")
        )
    console.print(table)
    console.print(
        f"[green]✓[/] {len(found.results)} 人报名，{found.places} 个号，中签 {len(won)} 人："
        "种子与事先公布的哈希相符，名次重新计算一致。",
        soft_wrap=True,
    )


def _read(source: str) -> lottery.Published:
    try:
        text = _fetched(source) if source.startswith(("http://", "https://")) else _kept(source)
        return lottery.published(json.loads(text))
    except (OSError, httpx.HTTPError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise Refused(f"读不到 {source}（{why}）。 / It can't be read.") from None
    except (ValueError, msgspec.ValidationError):
        raise Refused(f"{source} 不是一次摇号的公布内容。 / This is no published draw.") from None


def _kept(source: str) -> bytes:
    path = Path(source)
    if path.stat().st_size > BYTES_MOST:
        raise ValueError
    return path.read_bytes()


def _fetched(source: str) -> bytes:
    body = b""
    with (
        httpx.Client(trust_env=False, timeout=TIMEOUT_S) as client,
        client.stream("GET", source, headers={"accept-encoding": "identity"}) as answer,
    ):
        answer.raise_for_status()
        for part in answer.iter_raw():
            body += part
            if len(body) > BYTES_MOST:
                raise ValueError
    return body
