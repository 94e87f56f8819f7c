"""What a new web process does before its first request."""

from .. import metrics
from ..boundary import never_break
from ..publishing import current_recommender


@never_break(fallback=lambda: None)
def warm_up() -> None:
    """Load the current version and open its network, so that no visitor waits for it; make the figures' counters.

    Never raises (but with RECOMMENDATIONS["STRICT"]): without a database the first request tries again.
    """
    metrics.is_on()  # makes them where figures are counted
    loaded = current_recommender()
    if loaded is not None:
        loaded.scorer.warm_up()
