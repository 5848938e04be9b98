"""Where a resident stands in line, and how long it may take: measured, or not said."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from uuid import UUID

import msgspec

from backend import clock, db
from backend.chat import conversations, duty_wording, policy
from backend.chat.conversations import Talk
from backend.chat.models import Conversation
from backend.identity.access import Actor

RECENT = timedelta(days=28)
MEASURED_MOST = 200
MEASURED_LEAST = 10  # fewer say nothing
AHEAD_MOST = 1000  # beyond, the position is not counted further

# The line of whoever is asked: by priority, then who waits longest.
AHEAD = f"""
SELECT COUNT(*) AS ahead FROM (SELECT 1 FROM conversation c
  WHERE c.state IN ('waiting', 'escalated') AND c.consortium_id = $1 AND c.organization_id = $2
    AND (c.priority, c.queued_at, c.id) < ($3, $4, $5) LIMIT {AHEAD_MOST}) a
"""
MEASURED = f"""
SELECT handed_at, answered_at FROM hand_over
WHERE consortium_id = $1 AND priority = $2 AND answered_at IS NOT NULL AND handed_at > $3
  {{place}} ORDER BY handed_at DESC LIMIT {MEASURED_MOST}
"""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """`position` from 1. `expected_min`: the median of `measured` recent first answers, None where
    they are too few. `text` says it, `safety_net` what to do if it gets worse."""

    position: int
    expected_min: int | None
    measured: int
    due_at: datetime | None
    level: str
    text: str
    safety_net: str


async def shown(actor: Actor, conversation_id: UUID) -> tuple[Talk, Waiting | None]:
    """One's own conversation, and its place in line; None: it does not wait.

    Asked every few seconds, so it leaves no audit row: reading its messages does. Raises NotFound.
    """
    row = await conversations.find(actor, conversation_id, "view")
    return await conversations.talk_of(row), await _waiting(row)


async def _waiting(row: Conversation) -> Waiting | None:
    if row.state not in policy.QUEUED or row.queued_at is None:
        return None
    position = 1 + await _ahead(row)
    minutes, measured = await _expected(row)
    return Waiting(
        position=position,
        expected_min=minutes,
        measured=measured,
        due_at=row.due_at,
        level=row.routed_by,
        text=duty_wording.expected(position, minutes, row.due_at),
        safety_net=duty_wording.safety_net(row.priority, row.triage),
    )


async def _ahead(row: Conversation) -> int:
    if row.organization_id is None:
        return 0
    (found,) = await db.fetch(
        AHEAD, row.consortium_id, row.organization_id, row.priority, row.queued_at, row.id
    )
    return int(found["ahead"])


async def _expected(row: Conversation) -> tuple[int | None, int]:
    """Of the resident's institution; where it has too few, of the county."""
    if row.home_id is not None:
        times = await _times(row, row.home_id)
        if len(times) >= MEASURED_LEAST:
            return _minutes(times), len(times)
    times = await _times(row, None)
    return (_minutes(times), len(times)) if len(times) >= MEASURED_LEAST else (None, len(times))


async def _times(row: Conversation, home_id: UUID | None) -> list[timedelta]:
    values = [row.consortium_id, row.priority, clock.now() - RECENT]
    place = ""
    if home_id is not None:
        values.append(home_id)
        place = "AND home_id = $4"
    rows = await db.fetch(MEASURED.format(place=place), *values)
    return [db.as_instant(one["answered_at"]) - db.as_instant(one["handed_at"]) for one in rows]


def _minutes(times: Sequence[timedelta]) -> int:
    return -(-int(median(one.total_seconds() for one in times)) // 60)
