"""manage.py of a made shop in the SQLite file of DATABASE_URL, for torchrun.

FAULT says what happens to which process at which of its steps, for example "dies 1 5".
"""

import os
import signal
import sys

import django
from django.core.management import call_command, execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"


def fail():
    raise MemoryError("no room for a gradient")


def cancel():
    from recommendations.models import RecommenderVersion
    from recommendations.retraining import cancel

    assert cancel(RecommenderVersion.objects.in_training().pk)


FAULTS = {"dies": lambda: os.kill(os.getpid(), signal.SIGKILL), "fails": fail, "cancels": cancel}


def arrange(fault: str, rank: str, step: str) -> None:
    from recommendations.ml.training.learner import Learner

    learn, made = Learner.learn, []

    def learn_or_not(self, batch, team):
        made.append(batch)
        if (os.environ["RANK"], len(made)) == (rank, int(step)):
            FAULTS[fault]()
        learn(self, batch, team)

    Learner.learn = learn_or_not


def make() -> None:
    from tests.retraining.made_shop import make_shop

    call_command("migrate", run_syncdb=True, verbosity=0)
    make_shop()


if __name__ == "__main__":
    django.setup()
    if sys.argv[1:] == ["make"]:
        make()
    else:
        if os.environ.get("FAULT"):
            arrange(*os.environ["FAULT"].split())
        execute_from_command_line(sys.argv)
