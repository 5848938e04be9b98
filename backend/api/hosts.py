"""The allow-list of `Host`: a name we do not answer to can't poison links or caches."""

from sanic import Request

from backend import errors

REMEMBERED = 1000


class HostUnknown(errors.Problem):
    status = 400
    code = "host-unknown"
    title = "访问地址有误"
    detail = "请用正确的网址访问。"


class Hosts:
    """`allowed` are names without ports."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self._allowed = frozenset(host.lower() for host in allowed)
        self._known: set[str] = set()

    def check(self, request: Request) -> None:
        """Raises HostUnknown."""
        host = request.headers.get("host", "")  # there is exactly one, see protocol.py
        if host in self._known:
            return
        name, colon, port = host.lower().rpartition(":")
        if (name if colon else port) not in self._allowed or (colon and not port.isdigit()):
            raise HostUnknown
        if len(self._known) < REMEMBERED:
            self._known.add(host)
