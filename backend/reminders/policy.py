"""Pure: the states of a follow-up."""

from typing import NamedTuple

PLANNED, DONE, MISSED, CANCELLED = "planned", "done", "missed", "cancelled"


class State(NamedTuple):
    """`owner`: who must do something next; nobody when it is over. `exits`: deed → next state."""

    owner: str | None
    exits: dict[str, str]


STATES = {
    PLANNED: State("doctor", {"do": DONE, "miss": MISSED, "cancel": CANCELLED}),
    DONE: State(None, {}),
    MISSED: State(None, {}),
    CANCELLED: State(None, {}),
}
"""What is over stays as it is: the next follow-up is a row of its own."""


def after(state: str, deed: str) -> str | None:
    """The state that a deed leads to; None: not from here."""
    return STATES[state].exits.get(deed)
