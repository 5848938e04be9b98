"""Frames of sound come out, the same ones that went in, and nothing beside them.

The recordings are a tone of one second, made with FFmpeg, with a title and a place in their tags.
"""

import io
import random
import struct
import time
import wave
from pathlib import Path

import pytest

from backend.chat import m4a, voices
from backend.chat.voices import AAC, MP3, VoiceRefused, make

FOLDER = Path(__file__).with_name("recordings")
SECRET = b"SECRETTITLE"
FILES = {"tone.mp3": MP3, "tone.aac": AAC, "tone.m4a": AAC}


def recording(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def an_mp3(frames: int) -> bytes:
    """MPEG 1, layer III, 32 kbit/s, 32 kHz: 144 bytes and 36 ms each."""
    return (b"\xff\xfb\x18\xc4" + bytes(140)) * frames


def test_recordings_keep_their_sound_and_lose_their_tags() -> None:
    for name, media in FILES.items():
        body = recording(name)
        assert voices.is_voice(body)
        made = make(body)
        assert made.media == media
        assert made.seconds == pytest.approx(1.1, abs=0.05), name
        assert (SECRET in body) is (name != "tone.aac")
        assert SECRET not in made.body
        assert make(made.body) == made, name  # nothing was left to take away
    # The M4A was made of the same sound: frame by frame it is the same as the bare one.
    assert make(recording("tone.m4a")).body == make(recording("tone.aac")).body


def test_tags_before_and_behind_are_left_out() -> None:
    tone = make(recording("tone.mp3")).body
    tag = b"ID3\x04\x00\x00\x00\x00\x02\x00" + SECRET.ljust(256, b"\0")
    for body in (
        tag + tone,
        tag + bytes(100) + tone,
        tone + b"TAG" + SECRET.ljust(125),
        tone + b"<script>",
    ):
        assert make(body).body == tone
    assert make(tone + tone[:50]).body == tone  # cut short while it was sent


def test_a_browsers_wav_loses_its_words() -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as made:
        made.setparams((1, 2, 8000, 0, "NONE", ""))
        made.writeframes(bytes(range(250)) * 128)
    plain = out.getvalue()
    words = b"LIST" + struct.pack("<I", len(SECRET) + 13) + b"INFOINAM\0\0\0\0\0" + SECRET
    spoken = plain[:12] + words + plain[12:] + words
    spoken = spoken[:4] + struct.pack("<I", len(spoken) - 8) + spoken[8:]
    voice = make(spoken)
    assert (voice.media, voice.seconds, voice.body) == ("audio/wav", 2.0, plain)
    for broken in (plain[:30], plain[:44], plain.replace(b"fmt ", b"junk"), b"RIFF\0\0\0\0WAVE"):
        with pytest.raises(VoiceRefused):
            make(broken)
    out = io.BytesIO()
    with wave.open(out, "wb") as made:
        made.setparams((2, 2, 8000, 0, "NONE", ""))
        made.writeframes(bytes(4000))
    with pytest.raises(VoiceRefused):
        make(out.getvalue())


def test_length_is_counted_not_believed() -> None:
    assert make(an_mp3(1666)).seconds == pytest.approx(59.98, abs=0.01)
    for body in (an_mp3(1700), an_mp3(12_000)):
        with pytest.raises(VoiceRefused) as long:
            make(body)
        assert long.value.extra["why"] == "long"
    with pytest.raises(VoiceRefused, match="2 MB"):
        make(bytes(voices.BYTES_MOST + 1))


def test_what_is_no_recording_is_refused() -> None:
    tone, box = recording("tone.mp3"), recording("tone.m4a")
    cases = {
        "nothing": b"",
        "zeros": bytes(500),
        "tag only": tone[:100],
        "tag cut": b"ID3\x04",
        "endless tag": b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + tone,
        "two frames": an_mp3(2),
        "rubbish behind": an_mp3(20) + bytes(9000),
        "html behind": an_mp3(20) + b"<html>" * 2000,
        "reserved rate": b"\xff\xfb\x1c\xc4" + bytes(500),
        "free format": b"\xff\xfb\x08\xc4" + bytes(500),
        "layer 2": b"\xff\xfd\x18\xc4" + bytes(500),
        "two rates": an_mp3(5) + b"\xff\xfb\x90\xc4" + bytes(413),
        "m4a head only": box[:32],
        "m4a cut": box[: len(box) // 2],
        "m4a without movie": box.replace(b"moov", b"free"),
        "m4a of pictures": box.replace(b"soun", b"vide"),
        "m4a of another codec": box.replace(b"mp4a", b"alac"),
        "m4a two tracks": _with(box, b"trak", lambda trak: trak + trak),
        "m4a chunk outside": _table(box, b"stco", 8, 2**31),
        "m4a many frames": _table(box, b"stsz", 8, 2**31),
        "m4a many chunks": _table(box, b"stco", 4, 2**31),
        "m4a many runs": _table(box, b"stsc", 4, 2**31),
        "m4a first run is later": _table(box, b"stsc", 8, 7),
        "m4a one large frame": _table(box, b"stsz", 12, 2**24),
        "m4a no frames": _table(box, b"stsz", 8, 0),
    }
    taken = [name for name, body in cases.items() if _is_taken(body)]
    assert taken == []
    for magic in (b"OggS", b"\x1aE\xdf\xa3", b"#!AMR\n"):
        with pytest.raises(VoiceRefused, match="录音按钮"):
            voices.is_voice(magic + bytes(50))


def _is_taken(body: bytes) -> bool:
    try:
        make(body)
    except VoiceRefused:
        return False
    return True


def _table(box: bytes, kind: bytes, offset: int, value: int) -> bytes:
    at = box.index(kind) + 4 + offset
    return box[:at] + struct.pack(">I", value) + box[at + 4 :]


def _with(box: bytes, kind: bytes, change: object) -> bytes:
    """The movie with one of its boxes changed, and its own length set right."""
    assert callable(change)
    movie, part = box.index(b"moov") - 4, box.index(kind) - 4
    length = struct.unpack_from(">I", box, part)[0]
    inside = change(box[part : part + length])
    whole = struct.unpack_from(">I", box, movie)[0] + len(inside) - length
    return (
        box[:movie]
        + struct.pack(">I", whole)
        + box[movie + 4 : part]
        + inside
        + box[part + length :]
    )


def test_broken_recordings_never_break_the_reader_and_take_no_time() -> None:
    dice = random.Random(5)
    bodies = [recording(name) for name in FILES]
    began = time.process_time()
    for _ in range(600):
        body = bytearray(dice.choice(bodies))
        for _ in range(dice.choice((1, 4, 40))):
            # Most often in the tables of the M4A, which are at its end.
            at = dice.choice(
                (dice.randrange(len(body)), max(0, len(body) - dice.randrange(1, 900)))
            )
            body[at] = dice.choice((0, 0xFF, dice.randrange(256)))
        try:
            made = make(bytes(body))
        except VoiceRefused:
            continue
        assert SECRET not in made.body
    assert time.process_time() - began < 20


def test_frames_of_an_m4a_are_limited() -> None:
    assert m4a.FRAMES_MOST * 1024 / 96_000 > voices.SECONDS_MOST
