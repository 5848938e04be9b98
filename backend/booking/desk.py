"""What booking needs of one process: knowledge of places and people, and the queue."""

from backend.booking.places import Places
from backend.booking.taking import Taking
from backend.identity.care import Care


class Desk:
    """Made once per process. `queue_most` bounds the bookings that wait."""

    def __init__(self, *, queue_most: int) -> None:
        self.places = Places()
        self.care = Care()
        self.taking = Taking(queue_most)
