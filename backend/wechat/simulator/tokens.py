"""Access tokens by the rules of getStableAccessToken."""

import secrets

from backend.wechat.simulator.account import Limits
from backend.wechat.simulator.refusals import Refused
from backend.wechat.simulator.state import State, Token, now_s

TOKEN_S = 7200
OVERLAP_S = 300
"""Before expiry ordinary mode hands out a new token; both live until the old one ends."""

FORCE_GAP_S = 30
DAY_S = 86_400
TOKENS_KEPT = 50
TOKEN_BYTES = 384  # 512 characters: WeChat asks for room for that many


def issue(state: State, limits: Limits, *, force: bool) -> tuple[str, int]:
    """The token and how many seconds it has left (300..7200)."""
    tokens, now = state.memory.tokens, now_s()
    if force and _may_force(state, limits):
        # The others die at once: forgotten ones are 40001, expired ones 42001.
        tokens[:] = [token for token in tokens if token.expires_at <= now]
        state.memory.forced_at.append(now)
    current = tokens[-1] if tokens else None
    if current is None or current.expires_at - now <= OVERLAP_S:
        current = Token(secrets.token_urlsafe(TOKEN_BYTES), now + TOKEN_S)
        tokens.append(current)
        del tokens[:-TOKENS_KEPT]
    state.change()
    return current.value, int(current.expires_at - now)


def require(state: State, token: str | None) -> None:
    """Raises Refused: 41001 none, 40001 unknown or killed, 42001 expired."""
    if not token:
        raise Refused(41001)
    found = next((known for known in state.memory.tokens if known.value == token), None)
    if found is None:
        raise Refused(40001)
    if found.expires_at <= now_s():
        raise Refused(42001)


def _may_force(state: State, limits: Limits) -> bool:
    """20 a day, 30 s apart; beyond that the flag is ignored."""
    now = now_s()
    forced = [at for at in state.memory.forced_at if at > now - DAY_S]
    state.memory.forced_at[:] = forced
    return len(forced) < limits.force_refresh_per_day and (
        not forced or now - forced[-1] >= FORCE_GAP_S
    )
