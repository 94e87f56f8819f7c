import os
import subprocess
import sys

import pytest

from recommendations.retraining import owners
from recommendations.retraining.owners import is_dead_here, new_owner


def owner_of(pid):
    machine, _, token = new_owner().split("/")
    return f"{machine}/{pid}/{token}"


@pytest.fixture
def child():
    """A process that runs until it is told not to."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()
    process.stdin.close()


def test_owners_differ_and_fit_the_column():
    first, second = new_owner(), new_owner()
    assert first != second
    assert len(first) <= 64


def test_this_process_lives():
    assert not is_dead_here(new_owner())


def test_another_process_lives_until_it_is_killed(child):
    assert not is_dead_here(owner_of(child.pid))
    child.kill()
    child.wait()
    assert is_dead_here(owner_of(child.pid))


def test_a_killed_process_that_nobody_waited_for_is_dead(child):
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_dead_here(owner_of(child.pid))


def test_a_process_of_another_machine_is_never_said_to_be_dead(child):
    child.kill()
    child.wait()
    assert not is_dead_here(f"0123456789abcdef/{child.pid}/0")


@pytest.mark.parametrize("owner", ["", "somebody", "/1/x", "//"])
def test_an_unknown_owner_is_never_said_to_be_dead(owner):
    assert not is_dead_here(owner)


def test_a_system_that_does_not_tell_has_no_dead(monkeypatch, child):
    child.kill()
    child.wait()
    monkeypatch.setattr(owners, "_machine", lambda: "")
    assert not is_dead_here(f"/{child.pid}/0")


def test_somebody_elses_process_lives(monkeypatch):
    def refuse(pid, signal):
        raise PermissionError

    monkeypatch.setattr(owners.os, "kill", refuse)
    assert not is_dead_here(owner_of(1))
