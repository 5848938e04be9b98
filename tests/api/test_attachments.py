"""Pictures and voice notes over HTTP, as a phone sends them and as `<image>` asks for them."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from PIL import Image

from backend import clock
from backend.api import attachments
from backend.chat import pictures
from tests.api.conftest import Headers, Server
from tests.api.test_conversations import TALKS, begun, said
from tests.chat import nasty

TONE = Path(__file__).parents[1] / "chat" / "recordings" / "tone.mp3"
RULES = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "private, max-age=600, immutable",
    "referrer-policy": "no-referrer",
}


async def sent(
    server: Server, who: Headers, talk: str, body: bytes, kind: str = "image", **more: str
) -> httpx.Response:
    form = {"client_id": uuid4().hex, "kind": kind} | more
    file = {"file": ("../../etc/passwd.svg", body, "image/svg+xml")}
    return await server.http.post(f"{talk}/attachments", data=form, files=file, headers=who)


def at(url: str) -> str:
    """Without the host that residents see."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


async def test_a_photo_goes_its_way(server: Server, noon: clock.Hands) -> None:
    who, other = await server.log_in(), await server.log_in("li-dashu")
    talk = await begun(server, who)
    body = nasty.taken()["jpeg gps"]
    first = await sent(server, who, talk, body, client_id="photo-0001")
    again = await sent(server, who, talk, body, client_id="photo-0001")
    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert first.json() == again.json()
    photo = first.json()
    assert photo["url"].startswith(server.settings.public_url)
    clash = await sent(server, who, talk, nasty.taken()["png"], client_id="photo-0001")
    assert (clash.status_code, clash.json()["code"]) == (409, "client-id-reused")

    told = await said(server, who, talk, text="", attachment_id=photo["id"])
    assert told.json()["attachment"] == photo
    page = (await server.http.get(f"{talk}/messages", headers=who)).json()["items"]
    (shown,) = [one["attachment"] for one in page if one["attachment"]]
    for url in (shown["url"], shown["thumbnail_url"]):
        got = await server.http.get(at(url))  # no log-in: the address is enough
        assert got.status_code == 200
        assert got.headers["content-type"] == "image/jpeg"
        assert {name: got.headers[name] for name in RULES} == RULES
        assert got.headers["content-disposition"] == 'attachment; filename="photo.jpg"'
        with Image.open(io.BytesIO(got.content)) as seen:
            assert not seen.getexif()
        assert (await server.http.get(urlsplit(url).path, headers=who)).content == got.content
        assert (await server.http.get(urlsplit(url).path, headers=other)).status_code == 404
        assert (await server.http.get(urlsplit(url).path)).status_code == 401
        # A key opens one thing, as it was signed.
        for wrong in (url.replace(shown["id"], str(uuid4())), url[:-1] + "!", url + "0"):
            assert (await server.http.get(at(wrong))).status_code == 401
    noon.move(timedelta(minutes=4))
    assert (await server.http.get(at(shown["url"]))).status_code == 200
    noon.move(timedelta(minutes=6, seconds=1))
    late = await server.http.get(at(shown["url"]))
    assert (late.status_code, late.json()["code"]) == (401, "unauthenticated")
    assert (await sent(server, other, talk, body)).status_code == 404
    assert (await sent(server, {}, talk, body)).status_code == 401
    nowhere = f"{TALKS}/{uuid4()}"
    assert (await sent(server, who, nowhere, body)).status_code == 404


async def test_a_voice_note_is_played_in_parts(server: Server) -> None:
    who = await server.log_in()
    talk = await begun(server, who)
    made = (await sent(server, who, talk, TONE.read_bytes(), "voice")).json()
    assert (made["kind"], made["media_type"], made["thumbnail_url"]) == (
        "voice",
        "audio/mpeg",
        None,
    )
    assert made["duration_ms"] == pytest.approx(1100, abs=50)
    url = at(made["url"])
    whole = await server.http.get(url)
    assert whole.headers["content-disposition"] == 'attachment; filename="voice.mp3"'
    size = len(whole.content)
    assert size == made["bytes"]
    for wanted, first, last in (
        ("bytes=0-1", 0, 1), ("bytes=100-", 100, size - 1), ("bytes=-10", size - 10, size - 1),
        ("bytes=0-999999", 0, size - 1),
    ):  # fmt: skip
        part = await server.http.get(url, headers={"range": wanted})
        assert part.status_code == 206, wanted
        assert part.headers["content-range"] == f"bytes {first}-{last}/{size}"
        assert part.content == whole.content[first : last + 1]
    assert (await server.http.get(url, headers={"range": "bytes=999999-"})).status_code == 416
    for odd in ("bytes=-", "lines=1-2", "bytes=5-1,7-8", "bytes=\u0661-"):
        answer = await server.http.get(url, headers={"range": odd.encode()})
        assert answer.status_code == 200, odd
    gone = urlsplit(made["url"]).path + "/thumbnail"
    assert (await server.http.get(gone, headers=who)).status_code == 404


async def test_what_is_wrong_is_said_and_nothing_is_a_fault_of_ours(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "UPLOADS_PER_MINUTE", 1000)
    who = await server.log_in()
    talk = await begun(server, who)
    bodies = nasty.refused()
    for name in ("svg", "html", "heic", "gif javascript", "jpeg 65500 wide", "png bomb in text"):
        answer = await sent(server, who, talk, bodies[name])
        assert (answer.status_code, answer.json()["code"]) == (422, "picture-refused"), name
        assert answer.json()["detail"] == pictures.WORDS[answer.json()["why"]]
        assert answer.json()["field"] == "file"
        other = await sent(server, who, talk, bodies[name], "voice")
        assert (other.status_code, other.json()["code"]) == (422, "voice-refused"), name
    png = nasty.taken()["png"]
    assert (await sent(server, who, talk, TONE.read_bytes())).json()["why"] == "format"
    assert (await sent(server, who, talk, png, kind="video")).json()["field"] == "kind"
    assert (await sent(server, who, talk, png, client_id="x")).json()["field"] == "client_id"
    assert (await sent(server, who, talk, png, more="x")).json()["field"] == "more"

    url = f"{talk}/attachments"
    plain = await server.http.post(url, json={"file": "x"}, headers=who)
    assert (plain.status_code, plain.json()["code"]) == (415, "unsupported-media-type")
    fields = {"client_id": "photo-0001", "kind": "image"}
    for files in (
        [("other", ("a.png", png))],
        [("file", ("a.png", png)), ("file", ("b.png", png))],
        [(f"file{n}", ("a.png", png)) for n in range(12)],
    ):
        answer = await server.http.post(url, data=fields, files=files, headers=who)
        assert (answer.status_code, answer.json()["field"]) == (422, "file")
    form = "multipart/form-data"
    said_to_be = b"content-disposition: form-data"
    broken = [
        (form, b"--x\r\n"),
        *(
            (f"{form}; boundary=x", body)
            for body in (
                b"",
                b"--x\r\n\r\n--x--",
                b"--x\r\n" + said_to_be + b'; name="file"; filename="a',
                b"--x\r\n" + said_to_be + b"\r\n\r\nhello\r\n--x--\r\n",
                b"--x\r\nnonsense\r\n\r\nhello\r\n--x--\r\n",
                b"--x\r\n" + said_to_be + b'; name="kind"\r\n\r\n\xff\xfe\r\n--x--',
                b"--x\r\n" + said_to_be + b"; name=\"file\"; filename*=utf-8''%ff\r\n"
                b"content-type: text/plain; charset=nonsense\r\n\r\nhello\r\n--x--\r\n",
            )
        ),
    ]
    for kind, body in broken:
        answer = await server.http.post(url, content=body, headers=who | {"content-type": kind})
        assert answer.status_code == 422, (kind, body, answer.text)


async def test_only_this_route_takes_so_much_and_not_too_often(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = await server.log_in()
    talk = await begun(server, who)
    large: dict[str, Any] = {"headers": who | {"content-type": "application/json"}}
    for path, status in ((f"{talk}/messages", 413), (f"{talk}/attachments", 415)):
        answer = await server.http.post(path, content=bytes(3_000_000), **large)
        assert answer.status_code == status, path
    answer = await sent(server, who, talk, bytes(11_000_000))
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    monkeypatch.setattr(attachments, "UPLOADS_PER_DAY", 0)
    often = await sent(server, who, talk, nasty.taken()["png"])
    assert (often.status_code, often.json()["code"]) == (429, "throttled")
    monkeypatch.setattr(attachments, "UPLOADS_PER_MINUTE", 0)
    often = await sent(server, who, talk, nasty.taken()["png"])
    assert often.status_code == 429
