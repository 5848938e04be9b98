"""What the simulated account is allowed to do, and WeChat's limits on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """`fields` in WeChat's words: `thing1`, `time2`. Long-term ones use up no quota."""

    fields: tuple[str, ...]
    title: str = "服务提醒"
    long_term: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """Where pushes go. `token` and `aes_key` may be `Secret`s."""

    url: str
    token: str
    aes_key: str
    xml: bool = False
    limit_s: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A mini-program. With `pages` None every well-formed page exists."""

    appid: str
    secret: str
    templates: Mapping[str, Template] = field(default_factory=dict)
    callback: Callback | None = None
    pages: frozenset[str] | None = None
    public_hospital: bool = True
    on_open_platform: bool = False

    original_id: str = "gh_3f5b1c9a7e20"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Calls per minute (45011) and per day (45009); the defaults are WeChat's."""

    login_per_user_minute: int = 100
    token_per_minute: int = 10_000
    token_per_day: int = 500_000
    force_refresh_per_day: int = 20
    text_per_minute: int = 4_000
    text_per_day: int = 2_000_000
    links_per_day: int = 500_000
    slow_s: float = 30.0
