"""What gunicorn does beyond its command line."""

from typing import Any


def post_worker_init(worker: Any) -> None:
    """A new worker loads the recommender before it answers anybody."""
    from recommendations.serving import warm_up

    warm_up()
