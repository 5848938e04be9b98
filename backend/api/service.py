"""What a process wires together once and hands to its handlers."""

from dataclasses import dataclass, field

from backend.api.cache import Cache
from backend.booking.desk import Desk
from backend.chat.pictures import Studio
from backend.chat.reception import Reception
from backend.crypto import Vault
from backend.hub import Hub
from backend.identity.sessions import Sessions
from backend.replay.running import Runner
from backend.settings import Settings
from backend.wechat.client import WeChat


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    settings: Settings
    hub: Hub
    vault: Vault
    wechat: WeChat
    sessions: Sessions
    desk: Desk
    reception: Reception
    replays: Runner
    studio: Studio
    caches: dict[str, Cache] = field(default_factory=dict)
    """By the path of a route."""
