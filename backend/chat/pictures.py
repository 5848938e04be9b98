"""Pictures in a conversation: taken as JPEG, PNG or WebP, kept as a JPEG made anew.

Decoding strangers' files is done in a process of its own, a few at a time: it can be killed, it
gives its memory back, and what goes wrong in it does not go wrong here.
"""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import structlog

from backend.chat import reencoding
from backend.chat.reencoding import BYTES_MOST, PIXELS, UNREADABLE, Made
from backend.errors import Busy, Malformed

log = structlog.get_logger()

MEDIA = "image/jpeg"
AT_ONCE_MOST = 2  # processes
WAIT_MOST_S = 0.8  # for one's turn
MOST_S = 3.2  # for the work: with the wait less than a request may take, and more than its CPU time
SCRIPT = Path(reencoding.__file__)
HOW = "请改发普通照片，或截一张图再发。"
WORDS = {
    UNREADABLE: "这张图片打不开，可能没有传完整或已损坏，请重新拍一张或换一张。",
    PIXELS: "这张图片太大了（超过 2500 万像素），请截图或换一张小一些的。",
    "format": "这不是照片。请发用手机拍的照片或截图（JPEG、PNG 或 WebP）。",
    "bytes": "图片不能超过 10 MB，请截图或换一张小一些的。",
    "slow": "这张图片处理不了，请截图或换一张。",
    "heic": "这张照片是 HEIC 格式，这里打不开。请截一张图再发；"
    "以后要直接发，可在手机“设置—相机—格式”里选“兼容性最佳”。",
    "avif": "这张图片是 AVIF 格式，这里打不开。" + HOW,
    "gif": "动图（GIF）不能发。" + HOW,
    "tiff": "这张图片是 TIFF 格式，这里打不开。" + HOW,
    "bmp": "这张图片是 BMP 格式，这里打不开。" + HOW,
}
# By the first bytes: (offset, bytes, why). What residents may really try to send.
KNOWN = (
    (0, b"GIF8", "gif"),
    (0, b"BM", "bmp"),
    (0, b"II*\x00", "tiff"),
    (0, b"MM\x00*", "tiff"),
    (4, b"ftypavif", "avif"),
    (4, b"ftypavis", "avif"),
    *((4, b"ftyp" + brand, "heic") for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1")),
)


class PictureRefused(Malformed):
    """The picture can't be read or is too large, or its format is not taken. `why` says which."""

    code = "picture-refused"
    title = "这张图片不能发送"


def refusal(why: str) -> PictureRefused:
    return PictureRefused(WORDS[why], field="file", why=why)


def is_picture(body: bytes) -> bool:
    """Whether it is of a format that is taken. Raises PictureRefused: it is one that is not."""
    for offset, magic, why in KNOWN:
        if body.startswith(magic, offset):
            raise refusal(why)
    return reencoding.kind_of(body) is not None


class Studio:
    """Makes pictures anew, `AT_ONCE_MOST` at a time in this process of the service."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(AT_ONCE_MOST)

    async def make(self, body: bytes) -> Made:
        """Raises PictureRefused, Busy."""
        if len(body) > BYTES_MOST:
            raise refusal("bytes")
        try:
            async with asyncio.timeout(WAIT_MOST_S):
                await self._turns.acquire()
        except TimeoutError:
            raise Busy from None
        work = asyncio.get_running_loop().run_in_executor(None, _run, body)
        work.add_done_callback(self._done)
        # Whoever hangs up meanwhile leaves a turn that is still taken until the process has ended.
        return _read(await asyncio.shield(work))

    def _done(self, work: asyncio.Future[bytes]) -> None:
        self._turns.release()
        if not work.cancelled():
            work.exception()  # seen, also where nobody waits for it any more


def _run(body: bytes) -> bytes:
    """What the process says. Blocks.

    Raises:
        Busy: this host was too slow.
        PictureRefused: it took more CPU time than it has.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own script, and nothing of the sender's
            [sys.executable, "-I", str(SCRIPT)],
            input=body,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=MOST_S,
            env={},  # the keys of this service are none of its business
            check=False,
        )
    except subprocess.TimeoutExpired:
        log.warning("picture.slow", bytes=len(body))
        raise Busy from None
    if done.returncode == -signal.SIGXCPU:
        raise refusal("slow")
    if done.returncode:
        log.warning("picture.failed", status=done.returncode, bytes=len(body))
    return done.stdout


def _read(said: bytes) -> Made:
    """Raises PictureRefused, also where the process ended without a word: it hit its limits."""
    head, _, bodies = said.partition(b"\n")
    if not head:
        raise refusal(UNREADABLE)
    answer = json.loads(head)
    if "refused" in answer:
        raise refusal(answer["refused"])
    cut = answer["body"]
    return Made(bodies[:cut], bodies[cut:], answer["width"], answer["height"])
