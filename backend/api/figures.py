"""Figures for Prometheus: how many requests, how they ended, how long. No ids in labels."""

from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter("jiamenkou_requests_total", "Answered requests", ["method", "route", "status"])
SECONDS = Histogram(
    "jiamenkou_request_seconds", "Time to answer", ["method", "route"], buckets=BUCKETS_S
)
WAITING = Gauge("jiamenkou_bookings_waiting", "Bookings in the queue of this process")


def observer(method: str, route: str) -> Callable[[int, float], None]:
    """A function that counts one answer of this route: status and seconds."""
    seconds = SECONDS.labels(method, route)
    by_status: dict[int, Counter] = {}

    def observe(status: int, taken_s: float) -> None:
        counter = by_status.get(status)
        if counter is None:
            counter = by_status[status] = REQUESTS.labels(method, route, str(status))
        counter.inc()
        seconds.observe(taken_s)

    return observe
