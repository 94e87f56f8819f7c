"""Progress that says what is done and how far it is: bars on a terminal, one line for each finished step elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

console = Console(highlight=False)


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """Yields report(what, done, total): one bar for each `what`, in the order in which they first appear."""
    if not console.is_terminal:
        yield _line_by_line()
        return
    columns = (
        TextColumn("  {task.description:<46}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, int] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield report


@contextmanager
def one_bar() -> Iterator[Callable[[str, float], None]]:
    """Yields report(stage, share of the whole): one bar whose words change; elsewhere one line for each stage."""
    if not console.is_terminal:
        yield _stage_by_stage()
        return
    columns = (
        TextColumn("  {task.description:<46}"),
        BarColumn(bar_width=28),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bars:
        task = bars.add_task("", total=1.0)
        yield lambda stage, share: bars.update(task, description=stage, completed=share)


def _stage_by_stage() -> Callable[[str, float], None]:
    began = time.monotonic()
    said: list[str] = []

    def report(stage: str, share: float) -> None:
        if stage not in said:
            said.append(stage)
            console.print(f"  {stage:<46} {share:>8.0%}  {time.monotonic() - began:5.1f} s")

    return report


def _line_by_line() -> Callable[[str, int, int], None]:
    started: dict[str, float] = {}
    finished: set[str] = set()

    def report(what: str, done: int, total: int) -> None:
        started.setdefault(what, time.monotonic())
        if done >= total and what not in finished:
            finished.add(what)
            console.print(f"  {what:<46} {total:>9,}  {time.monotonic() - started[what]:5.1f} s")

    return report
