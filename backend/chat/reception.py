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

    async def have_rules(self) -> None:
        """Before a transaction that goes by them."""
        if not self.rulebook.is_ready:
            await self.rulebook.ready()
