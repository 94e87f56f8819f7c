"""The demo shop's web process. With FAULTS_LOADING it rests so many seconds amid loading a version beside the one that
serves, and meanwhile a file of its process id in VAR/loading holds the version's number.
"""

import os
import threading
import time
from pathlib import Path
from typing import Any

from shopdemo.wsgi import application

__all__ = ["application"]


def _rest_amid_loading(seconds: float) -> None:
    from django.conf import settings

    from recommendations.publishing import current

    open_scorer, folder = current.open_scorer, Path(settings.VAR) / "loading"
    folder.mkdir(exist_ok=True)

    def opening(version: Any) -> Any:
        scorer = open_scorer(version)
        if threading.current_thread().name == "recommender":  # of current.start()
            mark = folder / str(os.getpid())
            mark.write_text(str(version.pk))
            time.sleep(seconds)
            mark.unlink()
        return scorer

    current.open_scorer = opening


if "FAULTS_LOADING" in os.environ:
    _rest_amid_loading(float(os.environ["FAULTS_LOADING"]))
