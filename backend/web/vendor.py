"""Fetches the scripts of others again: `python -m backend.web.vendor` (needs npm).

What is served lies in static/, with each package's licence; static/vendor.json says where it came
from, and a test compares the hashes. To update: change `PACKAGES`, run this, read the difference.
"""

import base64
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from backend.web.static_files import FOLDER

PACKAGES = {  # package → (version, the file in it, our name)
    "htmx.org": ("2.0.11", "dist/htmx.min.js", "htmx.min.js"),
    "htmx-ext-sse": ("2.2.4", "dist/sse.min.js", "sse.min.js"),
    "echarts": ("6.1.0", "dist/echarts.common.min.js", "echarts.min.js"),  # with its SVG painter
}
LIST = "vendor.json"
NPM_S = 120.0


def main() -> None:
    """Write every file, its licence, and the list."""
    found = [_fetch(package, *facts) for package, facts in PACKAGES.items()]
    (FOLDER / LIST).write_text(json.dumps(found, indent=2) + "\n")


def _fetch(package: str, version: str, path: str, name: str) -> dict[str, Any]:
    packed = _packed(f"{package}@{version}")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        body = _member(archive, path)
        (FOLDER / name).write_bytes(body)
        (FOLDER / f"{name}.LICENSE").write_bytes(_member(archive, "LICENSE"))
    return {
        "name": package,
        "version": version,
        "path": path,
        "file": name,
        "licence": f"{name}.LICENSE",
        "integrity": "sha512-" + base64.b64encode(hashlib.sha512(packed).digest()).decode(),
        "sha256": hashlib.sha256(body).hexdigest(),
    }


def _packed(package: str) -> bytes:
    """The package as npm gives it, which checks it against the registry's own hash."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(  # noqa: S603
            ["npm", "pack", "--silent", package],  # noqa: S607
            cwd=folder,
            check=True,
            timeout=NPM_S,
        )
        return next(Path(folder).glob("*.tgz")).read_bytes()


def _member(archive: tarfile.TarFile, path: str) -> bytes:
    file = archive.extractfile(f"package/{path}")
    if file is None:
        raise FileNotFoundError(path)
    return file.read()


if __name__ == "__main__":
    main()
