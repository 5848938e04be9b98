"""What tests the mini-program: Node with the locked packages, the built pages, Chromium."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.engines import Engine

ROOT = Path(__file__).resolve().parents[1]
# The first is the same Chromium without windows, which nobody sees here: a third less work.
CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
INSTALL_S = 600.0


def chromium(environ: Mapping[str, str]) -> Engine:
    found = environ.get("CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        return Engine(
            None, "没有安装；Debian：apt install chromium fonts-noto-cjk，或 CHROMIUM=路径"
        )
    return Engine(found, found)


def node() -> Engine:
    """The machine's or PyPI's, as `miniprogram_stub/node.py` decides; installs what is locked."""
    try:
        done = subprocess.run(["make", "--silent", "tools"], cwd=ROOT, check=False,
                              stdin=subprocess.DEVNULL, timeout=INSTALL_S)  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return Engine(None, f"没有装好：{error}")
    return Engine(None, "没有装好，原因见最前面") if done.returncode else Engine("node", "已装好")


def build() -> bool:
    """The pages, from what is there now. A page that does not build says why on its own."""
    done = subprocess.run(["make", "--silent", "host"], cwd=ROOT, check=False,
                          stdin=subprocess.DEVNULL, timeout=INSTALL_S)  # fmt: skip
    return done.returncode == 0
