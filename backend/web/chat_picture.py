"""发照片: a picture of the doctor's into the conversation."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from backend import throttle
from backend.api.wire import BODY_MOST
from backend.chat import answering, files, pictures
from backend.chat.messages import Draft
from backend.chat.reencoding import BYTES_MOST
from backend.web.chat import ONE, context_of
from backend.web.chats import ANSWER
from backend.web.forms import Upload
from backend.web.page import Go, Show, go, page, show
from backend.web.view import View

PICTURES_PER_MINUTE = 20


class PictureForm(msgspec.Struct):
    client_id: Annotated[str, Meta(min_length=8, max_length=64)]
    file: Upload


async def not_sent(view: View, conversation_id: UUID, **_: Any) -> Show:
    """What is wrong, in this form; what is written in the other one stays there."""
    block = "picture" if view.htmx else None
    return show("chat.html", block=block, **await context_of(view, conversation_id))


@page(
    "POST",
    ONE + "/picture",
    right=ANSWER,
    form=PictureForm,
    on_fault=not_sent,
    body_most=BYTES_MOST + BODY_MOST,
)
async def send(view: View, conversation_id: UUID, form: PictureForm) -> Show | Go:
    """Made anew, kept, and sent. The form's own id makes a second send harmless."""
    actor, service = view.actor, view.service
    most = PICTURES_PER_MINUTE
    await throttle.check(service.hub, "upload-desk", str(actor.id), most=most, window_s=60)
    if not pictures.is_picture(form.file.body):
        raise pictures.refusal("format")
    came = files.Upload(form.client_id, files.IMAGE, form.file.body)
    kept = await files.find_earlier(actor, conversation_id, came)
    if kept is None:
        made = await service.studio.make(came.body)
        kept = await files.keep(actor, service.vault, conversation_id, came, made)
    draft = Draft(client_id=form.client_id, kind=files.IMAGE, attachment_id=kept.id)
    await answering.reply(actor, service.hub, conversation_id, draft)
    if not view.htmx:
        return go(f"/chats/{conversation_id}#end", "照片已发出。")
    return show("chat.html", block="pictured", **await context_of(view, conversation_id))
