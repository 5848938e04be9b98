"""The long runs: crashes, fuzzing, conservation, clients that hang up; on every database there is.

    python -m benchmarks.soak            the same as `make soak`

They are the tests marked `soak`. Each writes its last figures into benchmarks/RESULTS.md, between
`<!-- soak -->` and `<!-- /soak -->`; nothing else there is touched.
"""

import fcntl
import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- soak -->", "<!-- /soak -->"
ROW = re.compile(r"^\| ([\w-]+) \| ([\w-]+) \| ([\d-]+) \| (.*) \|$")
HEAD = "| run | database | day | figures |\n|---|---|---|---|"


def note(engine: str, run: str, figures: dict[str, Any], results: Path = RESULTS) -> None:
    """Put one run's figures in place of its last ones. Two processes may do so at once."""
    told = ", ".join(f"{name} {_plain(value)}" for name, value in figures.items())
    with results.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        before, _, rest = text.partition(BEGIN)
        section, _, after = rest.partition(END)
        rows = {found.group(1, 2): found.group(0) for found in map(ROW.match, section.split("\n"))
                if found}  # fmt: skip
        day = datetime.now(UTC).date().isoformat()
        rows[run, engine] = f"| {run} | {engine} | {day} | {told} |"
        table = "\n".join(rows[key] for key in sorted(rows))
        file.seek(0)
        file.truncate()
        if not rest and before and not before.endswith("\n\n"):
            before = before.rstrip("\n") + "\n\n"
        file.write(f"{before}{BEGIN}\n{HEAD}\n{table}\n{END}{after or chr(10)}")


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    from tests.run import main

    sys.exit(main(["--soak", *sys.argv[1:]]))
