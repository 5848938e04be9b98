"""照片和语音 in the doctors' pages: the log-in's cookie opens them, and the verb judges."""

from uuid import UUID

from sanic import HTTPResponse

from backend.api.attachments import served
from backend.chat import files
from backend.chat.files import Part
from backend.web.chats import READ
from backend.web.page import page
from backend.web.view import View

ONE = "/attachments/<attachment_id:uuid>"


@page("GET", ONE, right=READ, passive=True)
async def show(view: View, attachment_id: UUID) -> HTTPResponse:
    """Nothing in it can run: it is shown, in a tab of its own, without downloading it first."""
    return await _shown(view, attachment_id, "whole")


@page("GET", f"{ONE}/thumbnail", right=READ, passive=True)
async def thumbnail(view: View, attachment_id: UUID) -> HTTPResponse:
    return await _shown(view, attachment_id, "thumbnail")


async def _shown(view: View, attachment_id: UUID, part: Part) -> HTTPResponse:
    content = await files.read_at_desk(view.actor, view.service.vault, attachment_id, part)
    response = served(content, view.request.headers.get("range", ""), shown="inline")
    response.headers["cache-control"] = "no-store"  # a desk has several users, one after the other
    return response
