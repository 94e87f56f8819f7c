"""`make fuzz`: requests that schemathesis makes of the OpenAPI document, to the app behind gunicorn on PostgreSQL.

By a visitor, by a shopper who is logged in, and by a system with a password and every permission of ours. No answer may
be a 500, and none may be what the document does not say. Prints cases and failures; exits with 1 when there is one.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from tests.fuzz.database import own_database

ROOT = Path(__file__).parents[2]
LOGINS = ("visitor", "shopper", "system")
PORT = 18123
SCHEMA = f"http://127.0.0.1:{PORT}/recommendations/v1/schema/"
# Requests of one operation in one round.
EXAMPLES = 150
WIDEST = 500
# What a shop does not sell is refused though its id is well-formed: not every valid request must be accepted.
LEFT_OUT = "positive_data_acceptance"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="stop after so many")
    parser.add_argument("--seconds", type=float, default=0, help="stop after so long instead")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with TemporaryDirectory(prefix="fuzz-") as folder, own_database() as database:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.fuzz.settings",
            "DATABASE_URL": database,
            "CELERY_BROKER_URL": "memory://",
            "FUZZ_FOLDER": folder,
            "OPENBLAS_NUM_THREADS": "1",
        }
        made = subprocess.run(
            [sys.executable, "-m", "tests.fuzz.shop"], env=environment, check=True, capture_output=True, text=True
        )
        environment |= {
            **json.loads(made.stdout),
            "SCHEMATHESIS_HOOKS": "tests.fuzz.hooks",
        }
        with _server(environment, Path(folder) / "server.log"):
            return _rounds(options, environment, Path(folder))


def _rounds(options: argparse.Namespace, environment: dict[str, str], folder: Path) -> int:
    """Round after round, each with its own seed, until there were enough cases or the time is up."""
    began, cases, failures, seed = time.monotonic(), 0, 0, options.seed
    while not failures:
        for login in LOGINS:
            found = _run(login, seed, options.seconds / len(LOGINS), environment, folder)
            cases, failures = cases + found[0], failures + found[1]
            print(f"{login:8} seed {seed:3} {found[0]:7} cases {found[1]:4} failures", flush=True)
        seed += 1
        if options.seconds or cases >= options.cases:
            break
    print(f"in all   {cases:16} cases {failures:4} failures in {time.monotonic() - began:.0f} s")
    return 1 if failures or not cases else 0


def _run(login: str, seed: int, seconds: float, environment: dict[str, str], folder: Path) -> tuple[int, int]:
    """(cases, failures) of one run of schemathesis; what failed is printed."""
    report = folder / f"{login}-{seed}.json"
    arguments = ["--max-examples", str(EXAMPLES), "--exclude-checks", LEFT_OUT, "--continue-on-failure", "--no-color"]
    arguments += ["--seed", str(seed), "--report", "json", "--report-json-path", str(report)]
    if seconds:
        arguments += ["--max-time", str(max(1, round(seconds)))]
    if login == "system":
        arguments += ["--auth", environment["FUZZ_SYSTEM"]]
    ran = subprocess.run(
        [str(Path(sys.executable).with_name("schemathesis")), "run", SCHEMA, *arguments],
        env={**environment, "FUZZ_LOGIN": login, "PYTHONPATH": str(ROOT)},
        cwd=folder,  # it leaves a folder of its own where it runs
        capture_output=True,
        text=True,
        check=False,
    )
    if not report.exists():
        raise SystemExit(f"schemathesis wrote no report:\n{ran.stdout[-3000:]}{ran.stderr[-3000:]}")
    told = json.loads(report.read_text())
    failed = len(told["failures"]) + len(told["errors"])
    if failed or ran.returncode:
        print("\n".join(line[:WIDEST] for line in ran.stdout.splitlines()))
        print((folder / "server.log").read_text()[-3000:])
    return told["test_cases"]["generated"], failed or int(ran.returncode != 0)


@contextmanager
def _server(environment: dict[str, str], log: Path):
    """The app behind gunicorn, answering."""
    arguments = ["--bind", f"127.0.0.1:{PORT}", "--workers", "2", "--threads", "2", "--worker-tmp-dir", str(log.parent)]
    arguments += ["--limit-request-line", "0"]  # what gunicorn itself refuses says nothing of the app
    with log.open("ab") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "tests.fuzz.wsgi", *arguments], env=environment, stdout=out, stderr=out
        )
    try:
        deadline = time.monotonic() + 30
        while not _answers():
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"The server does not answer:\n{log.read_text()[-3000:]}")
            time.sleep(0.2)
        yield
    finally:
        server.terminate()
        server.wait(20)


def _answers() -> bool:
    try:
        with urlopen(SCHEMA, timeout=5) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


if __name__ == "__main__":
    sys.exit(main())
