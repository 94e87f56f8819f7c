from io import StringIO

import pytest
from rich.console import Console

from shopdemo import progress


@pytest.fixture
def shown(monkeypatch):
    """What is printed where no terminal is."""
    out = StringIO()
    monkeypatch.setattr(progress, "console", Console(file=out, width=100))
    return lambda: [line.split() for line in out.getvalue().splitlines()]


@pytest.fixture
def terminal(monkeypatch):
    out = StringIO()
    monkeypatch.setattr(progress, "console", Console(file=out, width=100, force_terminal=True))
    return out


def test_steps_without_a_terminal_are_one_line_each_when_done(shown):
    with progress.progress_bars() as report:
        report("Importing", 0, 1_000)
        report("Importing", 500, 1_000)
        report("Importing", 1_000, 1_000)
        report("Importing", 1_000, 1_000)
        report("Counting", 0, 1)
    assert [line[:2] for line in shown()] == [["Importing", "1,000"]]


def test_steps_on_a_terminal_say_what_and_how_far(terminal):
    with progress.progress_bars() as report:
        report("Importing", 500, 1_000)
    assert "Importing" in terminal.getvalue() and "500/1000" in terminal.getvalue()


def test_training_without_a_terminal_is_one_line_for_each_stage(shown):
    with progress.one_bar() as report:
        report("Fitting", 0.12)
        report("Fitting", 0.40)
        report("Judging", 0.52)
    assert [line[:2] for line in shown()] == [["Fitting", "12%"], ["Judging", "52%"]]


def test_training_on_a_terminal_is_one_bar_with_the_stage(terminal):
    with progress.one_bar() as report:
        report("Fitting", 0.12)
        report("Judging", 0.52)
    assert "Judging" in terminal.getvalue() and "52%" in terminal.getvalue()
