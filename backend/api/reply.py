"""HTTP responses whose headers cost little."""

from functools import lru_cache
from typing import Any

from sanic import HTTPResponse


class Reply(HTTPResponse):
    """A whole answer. `headers` is a plain dict, which Sanic fills up: its own multidict, and a
    translation table for every name and value, cost more than the rest of an answer's head."""

    __slots__ = ()

    def __init__(
        self,
        body: bytes | str = b"",
        status: int = 200,
        headers: dict[str, str] | None = None,
        content_type: str | None = None,
    ) -> None:
        self.asgi = False
        self.stream = None
        self.body = body.encode() if isinstance(body, str) else body
        self.status = status
        self.content_type = content_type
        self._cookies = None
        fields: Any = headers or {}
        self.headers = fields

    @property
    def processed_headers(self) -> Any:
        if self.content_type is not None:
            self.headers.setdefault("content-type", self.content_type)
        return [(_name(name), _value(str(value))) for name, value in self.headers.items()]


@lru_cache(maxsize=100)
def _name(name: str) -> bytes:
    return name.encode("ascii")


def _value(value: str) -> bytes:
    """Printable text holds no line break; anything else goes through Sanic's own care."""
    if not value.isprintable():
        value = HTTPResponse._sanitize_header_value(value)
    return value.encode()
