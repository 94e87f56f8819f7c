"""Names of training processes, from which a process of the same machine can tell that one is gone."""

import hashlib
import os
import secrets
import socket
from functools import cache
from pathlib import Path


def new_owner() -> str:
    """A name for this process that no other training has: machine, process id, a random part."""
    return f"{_machine()}/{os.getpid()}/{secrets.token_hex(8)}"


def is_dead_here(owner: str) -> bool:
    """Whether `owner` was a process of this machine and is gone. False when that can't be known."""
    machine, _, rest = owner.partition("/")
    pid = rest.partition("/")[0]
    if not machine or machine != _machine() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _is_zombie(int(pid))


@cache
def _machine() -> str:
    """This boot of this machine and its space of process ids; "" where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""
    return hashlib.sha256(f"{socket.gethostname()} {boot} {space}".encode()).hexdigest()[:16]


def _is_zombie(pid: int) -> bool:
    # Killed, but not yet collected by its parent.
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0] == "Z"
        )
    except OSError:
        return False
