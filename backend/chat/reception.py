"""What conversations need of one process: news, booking, and the bot's rules."""

from dataclasses import dataclass

from backend.booking.desk import Desk
from backend.chat.rulebook import Rulebook
from backend.hub import Hub


@dataclass(frozen=True, slots=True)
class Reception:
    hub: Hub
    desk: Desk
    rulebook: Rulebook
