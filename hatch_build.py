"""No package without the mini-program's pages: it would serve nothing at `/m/`."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INDEX = "backend/miniprogram/built/index.html"


class BuiltPages(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """`pip install -e .` goes on without them: whoever develops may not need them."""
        if version == "editable" or Path(self.root, INDEX).is_file():
            return
        self.app.abort(
            "浏览器里的小程序还没有构建，请先运行 make host。"
            " / The mini-program for browsers is not built yet: run `make host` first."
        )
