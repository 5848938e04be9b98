"""全县工作簿: upload, see what would change or what is wrong, then import that very file."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta
from sanic import HTTPResponse

from backend.booking.schedules import publish
from backend.county.faults import WorkbookRejected
from backend.county.importing import ImportCollision, import_county
from backend.errors import Conflict, Malformed, NotFound
from backend.web import uploads
from backend.web.forms import Upload
from backend.web.page import Go, Show, go, page, show
from backend.web.render import SECURE
from backend.web.view import View

RIGHT = "schedule.import"
MOST = 10 * 1024 * 1024  # bytes of the workbook
SHOWN_MOST = 200  # faults on the page
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_one_at_a_time = asyncio.Lock()  # an import takes a core; two would take both


class Sent(msgspec.Struct):
    file: Upload


class Confirmed(msgspec.Struct):
    digest: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


@page("GET", "/workbook", right=RIGHT)
async def ask(view: View) -> Show:
    _whole_county(view)
    return _shown()


@page("POST", "/workbook", right=RIGHT, form=Sent, on_fault=ask, body_most=MOST + 64 * 1024)
async def check(view: View, form: Sent) -> Show:
    """Read and compare; nothing is changed."""
    owner = _whole_county(view)
    if not form.file.name.lower().endswith(".xlsx"):
        raise Malformed("请选择 .xlsx 工作簿。", field="file")
    if len(form.file.body) > MOST:
        raise Malformed("工作簿不能超过 10 MB。", field="file")
    path, digest = await asyncio.to_thread(uploads.keep, owner, form.file.body)
    try:
        async with _one_at_a_time:
            difference = await import_county(view.service.settings.consortium, path, dry_run=True)
    except WorkbookRejected as rejected:
        uploads.drop(path)
        return _shown(faults=rejected.faults[:SHOWN_MOST], total=rejected.total)
    return _shown(difference=difference, digest=digest, name=form.file.name)


@page("POST", "/workbook/import", right=RIGHT, form=Confirmed, on_fault=ask)
async def apply(view: View, form: Confirmed) -> Go:
    """Import the file that was checked."""
    path = await asyncio.to_thread(uploads.find, _whole_county(view), form.digest)
    settings = view.service.settings
    try:
        async with _one_at_a_time:
            difference = await import_county(settings.consortium, path, actor=view.actor)
    except WorkbookRejected:
        raise uploads.UploadGone from None
    except ImportCollision as collision:
        raise Conflict(str(collision)) from None
    uploads.drop(path)
    await publish(settings.consortium_id)
    return go("/workbook", f"已导入，共改动 {difference.total} 行，可以预约的日子已放号。")


@page("GET", "/workbook/template", right=RIGHT)
async def template(view: View) -> HTTPResponse:
    """The empty workbook."""
    _whole_county(view)
    body = await asyncio.to_thread(_empty)
    headers = SECURE | {"content-disposition": 'attachment; filename="county.xlsx"'}
    return HTTPResponse(body, headers=headers, content_type=XLSX)


def _empty() -> bytes:
    from backend.county.template import write_template  # and openpyxl, which no start waits for

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "county.xlsx"
        write_template(path)
        return path.read_bytes()


def _shown(**known: Any) -> Show:
    blank: dict[str, Any] = {"difference": None, "digest": "", "name": "", "faults": [], "total": 0}
    return show("workbook.html", **(blank | known))


def _whole_county(view: View) -> UUID:
    """Who imports. Raises NotFound: a workbook is the whole county's, so a part is not enough."""
    if view.actor.where(RIGHT) is not None or view.actor.id is None:
        raise NotFound
    return view.actor.id
