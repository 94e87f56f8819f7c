"""Errors that a shop's developer or staff may see; each names the bad value and what was expected."""


class RecommendationsError(Exception):
    """Base of all errors raised by this app."""


class NotConfigured(RecommendationsError):
    """The shop's project lacks a declaration; the message holds the lines to add."""


class UnknownProduct(RecommendationsError):
    """A product id that the mirror does not hold."""

    def __init__(self, product_id: str) -> None:
        self.product_id = product_id
        super().__init__(
            f"Unknown product {product_id!r}: expected the id of a product that sync_catalog has mirrored."
        )


class InvalidInteraction(RecommendationsError):
    """An interaction that can't be recorded; `field` is the argument at fault, `index` its place in a batch."""

    def __init__(self, field: str, message: str, index: int | None = None) -> None:
        self.field = field
        self.message = message
        self.index = index
        super().__init__(f"{field}: {message}")


class UnknownPlacement(RecommendationsError):
    """A placement that does not exist, or lacks the product it is about."""


class RetrainingBusy(RecommendationsError):
    """Another process is training; `version_id` is the row that holds the lease."""

    def __init__(self, version_id: int) -> None:
        self.version_id = version_id
        super().__init__(
            f"Version {version_id} is being trained already: wait until it ends, or cancel it in the admin."
        )


class LeaseLost(RecommendationsError):
    """This process no longer owns the version that it trains (cancelled, or reaped as dead)."""


class ProcessLost(RecommendationsError):
    """Of the processes that torchrun started for a training, another one is gone."""


class NoBroker(RecommendationsError):
    """The project has no Celery broker, so nobody would take a message."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing can be queued, no Celery broker is configured: run `manage.py retrain_recommender` by hand or "
            "from cron, or add CELERY_BROKER_URL to settings.py and import the Celery app in the project's __init__.py."
        )


class BrokerUnreachable(RecommendationsError):
    """The Celery broker does not take messages."""

    def __init__(self, url: str, cause: Exception) -> None:
        super().__init__(
            f"The Celery broker {url} does not answer ({cause}): start it, or correct CELERY_BROKER_URL, and see that "
            "the project's __init__.py imports its Celery app."
        )
