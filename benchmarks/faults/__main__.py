"""`make faults [NAMES]`: each fault of docs/faults.md really happens; one row each, exit code 1 when one went wrong."""

import argparse
import signal
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from tempfile import mkdtemp

from . import kinds
from .judging import Outcome, header
from .stand import Stand


def main() -> int:
    names = [module.name for module in iter_modules(kinds.__path__)]
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; all by default")
    parser.add_argument("--untimed", action="store_true", help="a page may take what it likes, as on a busy machine")
    options = parser.parse_args()
    chosen = options.names or names
    if unknown := set(chosen) - set(names):
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers must not outlive this
    folder = Path(mkdtemp(prefix="faults-"))
    print(f"logs in {folder}\n{header()}", flush=True)
    began, wrong = time.monotonic(), 0
    stand = Stand(folder, is_timed=not options.untimed)
    try:
        for name in chosen:
            wrong += _happen(stand, name)
    finally:
        stand.close()
    print(f"{time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


def _happen(stand: Stand, name: str) -> int:
    """How many of a module's outcomes are wrong; what is, is printed."""
    wrong = 0
    try:
        outcomes = list(import_module(f"{kinds.__name__}.{name}").happen(stand))
    except Exception as error:
        traceback.print_exc()
        outcomes = [Outcome(name, wrong=[f"the script failed: {error}"])]
        stand.stop_workers()
        stand.recover()
    for outcome in outcomes:
        print(outcome.row, flush=True)
        for what in outcome.wrong:
            print(f"    {what}", flush=True)
        wrong += bool(outcome.wrong)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
