"""A workbook between its check and its import: kept for an hour, under the hash of what it says.

On this host's disk: whoever confirms on another host is asked to send the file again.
"""

import contextlib
import hashlib
import os
import tempfile
import time
from pathlib import Path
from uuid import UUID

from backend.errors import Conflict

KEPT_S = 3600.0
FOLDER = Path(tempfile.gettempdir()) / f"jiamenkou-uploads-{os.getuid()}"


class UploadGone(Conflict):
    """The file that was checked is not here any more, or is another one."""

    code = "upload-gone"
    title = "文件已过期"
    detail = "刚才检查过的文件已过期，请重新上传。"


def keep(owner: UUID, body: bytes) -> tuple[Path, str]:
    """Where the file is now, and its hash (SHA-256, hex). Blocks: for a thread."""
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    for old in FOLDER.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if old.name.startswith(str(owner)) or time.time() - old.stat().st_mtime > KEPT_S:
                old.unlink()
    digest = hashlib.sha256(body).hexdigest()
    path = _path(owner, digest)
    path.touch(mode=0o600)
    path.write_bytes(body)
    return path, digest


def find(owner: UUID, digest: str) -> Path:
    """The very file that was kept. Raises UploadGone. Blocks: for a thread."""
    path = _path(owner, digest)
    try:
        same = hashlib.sha256(path.read_bytes()).hexdigest() == digest
    except OSError:
        raise UploadGone from None
    if not same:
        raise UploadGone
    return path


def drop(path: Path) -> None:
    path.unlink(missing_ok=True)


def _path(owner: UUID, digest: str) -> Path:
    return FOLDER / f"{owner}-{digest}.xlsx"
