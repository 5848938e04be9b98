"""What `jiamenkou import` shows: progress while it works, then what changed."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from backend import db
from backend.county.difference import Difference
from backend.county.faults import WorkbookRejected
from backend.county.importing import ImportCollision, import_county
from backend.county.template import write_template
from backend.refused import Refused
from backend.settings import Settings


def template(path: Path, console: Console) -> None:
    """Write the empty workbook. Raises Refused: one is there already, and may be filled in."""
    if path.exists():
        raise Refused(f"{path} 已经存在，没有改动；请换一个文件名。 / The file exists.")
    try:
        write_template(path)
    except OSError as error:
        raise Refused(f"不能写入 {path}({error.strerror})。 / Can't write there.") from None
    console.print(f"[green]✓[/] 空白工作簿：{path}", soft_wrap=True)


async def load(settings: Settings, path: Path, *, dry_run: bool, console: Console) -> None:
    """Import the workbook, or say what an import would change.

    Raises:
        Refused: nothing was imported; with every fault of the workbook.
    """
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
    )  # fmt: skip
    await db.connect(settings)
    try:
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("读取", total=None)

            def show(done: int, total: int | None, label: str) -> None:
                progress.update(task, completed=done, total=total, description=label)

            difference = await import_county(
                settings.consortium, path, dry_run=dry_run, progress=show
            )
    except WorkbookRejected as error:
        raise Refused("\n".join([*map(str, error.faults), str(error)])) from None
    except ImportCollision as error:
        raise Refused(str(error)) from None
    finally:
        await db.disconnect()
    _show(difference, dry_run, console)


def _show(difference: Difference, dry_run: bool, console: Console) -> None:
    if difference.empty:
        console.print("[green]✓[/] 没有变化，什么都没有改")
        return
    table = Table("工作表", "新增", "修改", "停用", title="将会改变" if dry_run else "已导入")
    for name, *counts in difference.rows():
        if any(counts):
            table.add_row(name, *(str(count) for count in counts))
    console.print(table)
    for sheet in difference.sheets:
        for sample in sheet.samples:
            console.print(f"  {sheet.name} {sample}", markup=False, soft_wrap=True)
        if sheet.unsaid:
            console.print(f"  {sheet.name} ……另有 {sheet.unsaid} 行", markup=False)
        if sheet.made_here:
            console.print(
                f"[yellow]![/] {sheet.name}：停用的有 {sheet.made_here} 个"
                "是在排班页面上新建或改过的，不在这份工作簿里。",
                soft_wrap=True,
            )
    if dry_run:
        console.print("只是检查，没有写入。")
