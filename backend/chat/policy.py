"""Pure: the states of a conversation, and how long things may be done."""

from datetime import datetime, timedelta
from typing import NamedTuple

BOT, WAITING, OPEN, CLOSED, RATED, ESCALATED = (
    "bot", "waiting", "open", "closed", "rated", "escalated",
)  # fmt: skip

REOPEN = timedelta(hours=48)  # a message so long after the end opens it again
RECALL = timedelta(minutes=2)
LIVING_MOST = 5  # conversations of one account that are not over
IDLE = timedelta(hours=24)  # what only the bot has, and nobody goes on with, ends then
RATINGS = range(1, 6)


class State(NamedTuple):
    """`owner`: who must do something next; nobody when it is over. `exits`: deed → next state."""

    owner: str | None
    exits: dict[str, str]


STATES = {
    BOT: State("bot", {"hand_over": WAITING, "close": CLOSED}),
    WAITING: State(
        "duty",
        {"claim": OPEN, "escalate": ESCALATED, "reroute": WAITING, "close": CLOSED},
    ),
    ESCALATED: State("county", {"claim": OPEN, "reroute": ESCALATED, "close": CLOSED}),
    OPEN: State(
        "doctor",
        {"release": WAITING, "transfer": WAITING, "take_over": OPEN, "close": CLOSED},
    ),
    CLOSED: State("resident", {"rate": RATED, "reopen": WAITING, "resume": BOT}),
    RATED: State("resident", {"reopen": WAITING, "resume": BOT}),
}
"""`closed` and `rated` end by themselves: after 48 hours nothing leads out of them any more."""

LIVING = (BOT, WAITING, ESCALATED, OPEN)
QUEUED = (WAITING, ESCALATED)
OVER = (CLOSED, RATED)


def sources(deed: str) -> tuple[str, ...]:
    """The states from which a deed leads somewhere."""
    return tuple(state for state, known in STATES.items() if deed in known.exits)


def after(state: str, deed: str) -> str | None:
    """The state that a deed leads to; None: not from here."""
    return STATES[state].exits.get(deed)


def may_reopen(state: str, closed_at: datetime | None, now: datetime) -> bool:
    return state in OVER and closed_at is not None and now < closed_at + REOPEN


def may_recall(sent_at: datetime, now: datetime) -> bool:
    return now < sent_at + RECALL
