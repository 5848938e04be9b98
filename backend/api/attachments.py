"""图片和语音: sent into a conversation before the message that takes them, and looked at later."""

import asyncio
import re
from uuid import UUID

from sanic import HTTPResponse

from backend import errors, throttle
from backend.api import uploads, wire
from backend.api.etags import JSON
from backend.api.links import FILE, actor_of, linker
from backend.api.reply import Reply
from backend.api.route import Call, route
from backend.api.views.appointments import KeyQuery
from backend.api.views.conversations import AttachmentView, UploadForm
from backend.chat import conversations, files, pictures, voices
from backend.chat.errors import ClientIdReused
from backend.chat.files import IMAGE, Content, Part, Upload
from backend.chat.pictures import PictureRefused
from backend.chat.reencoding import BYTES_MOST, Made
from backend.chat.voices import Voice, VoiceRefused

ONE = "/attachments/<attachment_id:uuid>"
UPLOADS_PER_MINUTE = 20
UPLOADS_PER_DAY = 200
DAY_S = 86_400
RANGE = re.compile(r"bytes=([0-9]{0,9})-([0-9]{0,9})")
LOOKING = (errors.NotFound, errors.Unauthenticated)
# Nothing in it is ever run, embedded elsewhere or taken for another kind of file.
HEADERS = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "accept-ranges": "bytes",
    "cache-control": "private, max-age=600, immutable",
}
NAMES = {
    "image/jpeg": "photo.jpg",
    voices.MP3: "voice.mp3",
    voices.AAC: "voice.aac",
    voices.WAV: "voice.wav",
}


@route(
    "POST",
    "/conversations/<conversation_id:uuid>/attachments",
    answer=AttachmentView,
    status=201,
    upload_most=BYTES_MOST,
    problems=(
        errors.NotFound,
        errors.Throttled,
        errors.Busy,
        ClientIdReused,
        PictureRefused,
        VoiceRefused,
    ),
)
async def upload(call: Call, conversation_id: UUID) -> HTTPResponse:
    """A picture or a voice note, in the field `file`, for a message that follows.

    Both are made anew: nothing of them stays but what is seen and heard. `client_id` makes a repeat
    harmless: it answers 200 with what is there.
    """
    await conversations.find(call.actor, conversation_id, "book")
    await _limit(call)
    sent = uploads.receive(call.request, BYTES_MOST)
    form = wire.fit(sent.values, UploadForm, strict=False)
    came = Upload(form.client_id, form.kind, sent.file)
    status, kept = 200, await files.find_earlier(call.actor, conversation_id, came)
    if kept is None:
        made = await _made(call, came)
        status = 201
        kept = await files.keep(call.actor, call.service.vault, conversation_id, came, made)
    body = wire.encode(linker(call.service, call.actor.account_id)(kept))
    return Reply(body, status, {"cache-control": "no-store"}, JSON)


async def _limit(call: Call) -> None:
    await call.limit("upload", UPLOADS_PER_MINUTE)
    who = str(call.actor.account_id)
    await throttle.check(call.service.hub, "upload-day", who, most=UPLOADS_PER_DAY, window_s=DAY_S)


async def _made(call: Call, came: Upload) -> Made | Voice:
    """Raises PictureRefused, VoiceRefused, Busy."""
    if came.kind == IMAGE:
        if not pictures.is_picture(came.body):
            raise pictures.refusal("format")
        return await call.service.studio.make(came.body)
    if not voices.is_voice(came.body):
        raise voices.refusal("format")
    return await asyncio.to_thread(voices.make, came.body)


@route("GET", ONE, query=KeyQuery, public=True, media="image/jpeg", problems=LOOKING)
async def show(call: Call, attachment_id: UUID) -> HTTPResponse:
    """The picture, or the sound. With a log-in, or under the address that its message gives."""
    return await _shown(call, attachment_id, "whole")


@route("GET", f"{ONE}/thumbnail", query=KeyQuery, public=True, media="image/jpeg", problems=LOOKING)
async def show_thumbnail(call: Call, attachment_id: UUID) -> HTTPResponse:
    """The picture, 480 pixels at its longer side."""
    return await _shown(call, attachment_id, "thumbnail")


async def _shown(call: Call, attachment_id: UUID, part: Part) -> HTTPResponse:
    actor = await actor_of(call, attachment_id, FILE)
    content = await files.read(actor, call.service.vault, attachment_id, part)
    return served(content, call.request.headers.get("range", ""))


def served(content: Content, wanted: str, shown: str = "attachment") -> HTTPResponse:
    """Whole, or the part that `Range` wants.

    Players on iPhones ask for a part of the sound first, and play nothing without.
    """
    name = NAMES[content.media_type]
    headers = HEADERS | {"content-disposition": f'{shown}; filename="{name}"'}
    size = len(content.body)
    match = RANGE.fullmatch(wanted)
    if match is None or match[0] == "bytes=-":
        return Reply(content.body, 200, headers, content.media_type)
    first = int(match[1]) if match[1] else max(0, size - int(match[2]))
    last = min(size - 1, int(match[2]) if match[1] and match[2] else size - 1)
    if first > last:
        headers["content-range"] = f"bytes */{size}"
        return Reply(b"", 416, headers, content.media_type)
    headers["content-range"] = f"bytes {first}-{last}/{size}"
    return Reply(content.body[first : last + 1], 206, headers, content.media_type)
