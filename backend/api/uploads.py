"""A form with one file, as `wx.uploadFile` and browsers send it, read strictly."""

from dataclasses import dataclass
from typing import Any

from sanic import Request

from backend.api.wire import TooLarge, UnsupportedMedia
from backend.errors import Malformed

MULTIPART = "multipart/form-data"
FILE = "file"
PARTS_MOST = 10


@dataclass(frozen=True, slots=True)
class Sent:
    """Texts by name, and the file. What its sender calls it is not even read."""

    values: dict[str, str]
    file: bytes


def receive(request: Request, most: int) -> Sent:
    """Raises UnsupportedMedia, TooLarge, Malformed: not one file, or a name twice."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != MULTIPART:
        raise UnsupportedMedia("请以 multipart/form-data 提交文件。")
    try:
        form: dict[str, Any] = request.get_form() or {}
        files: dict[str, Any] = request.files or {}
    except (ValueError, LookupError, TypeError, AttributeError) as wrong:
        raise Malformed("提交的文件没有传完整，请再试一次。", field=FILE) from wrong
    parts = [*form.values(), *files.values()]
    if len(parts) > PARTS_MOST or any(len(many) != 1 for many in parts):
        raise Malformed("一次只能传一个文件。", field=FILE)
    if set(files) != {FILE}:
        raise Malformed("没有收到文件，请重新选择。", field=FILE)
    body: bytes = files[FILE][0].body
    if len(body) > most:
        raise TooLarge
    return Sent({name: str(many[0]) for name, many in form.items()}, body)
