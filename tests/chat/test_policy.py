"""A conversation always has an owner and a way out; what is over ends by the clock."""

from datetime import timedelta

from backend.chat import policy
from backend.chat.policy import BOT, CLOSED, OPEN, OVER, RATED, STATES, WAITING
from tests.conftest import NOON

SECOND = timedelta(seconds=1)


def test_every_state_has_an_owner_and_an_exit() -> None:
    for name, state in STATES.items():
        assert state.owner, name
        assert state.exits, name
        assert set(state.exits.values()) <= STATES.keys(), name
    assert set(policy.LIVING) | set(OVER) == set(STATES)
    for name in policy.LIVING:  # whoever has it can end it
        assert policy.after(name, "close") == CLOSED


def test_every_state_is_reached_from_the_first() -> None:
    reached, new = {BOT}, [BOT]
    while new:
        for state in STATES[new.pop()].exits.values():
            if state not in reached:
                reached.add(state)
                new.append(state)
    assert reached == set(STATES)
    assert policy.sources("claim") == (WAITING, "escalated")
    assert policy.after(OPEN, "rate") is None


def test_what_is_over_opens_again_for_48_hours_and_then_never() -> None:
    for state in STATES:
        last = NOON + policy.REOPEN - SECOND
        assert policy.may_reopen(state, NOON, last) is (state in (CLOSED, RATED))
        assert not policy.may_reopen(state, NOON, NOON + policy.REOPEN)
    assert not policy.may_reopen(CLOSED, None, NOON)


def test_a_message_is_recalled_within_two_minutes() -> None:
    assert policy.may_recall(NOON, NOON + policy.RECALL - SECOND)
    assert not policy.may_recall(NOON, NOON + policy.RECALL)
