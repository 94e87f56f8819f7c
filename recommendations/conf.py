"""The app's settings: one dict, `RECOMMENDATIONS`, whose keys and defaults are the fields of `Config`."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.module_loading import import_string

from .exceptions import NotConfigured

# In days: longer than any log, and no time before the first that there is.
FOR_EVER = 36_500
DAYS = ("COOKIE_DAYS", "RETENTION_DAYS", "HIDE_DAYS")


@dataclass(frozen=True)
class Config:
    """What a shop can set; every default works as it is."""

    HAS_CONSENT: str = ""  # dotted path to f(request) -> bool; "" = asked elsewhere, always true
    METRICS: bool = False  # count for Prometheus; needs prometheus_client
    STRICT: bool = False  # re-raise what would otherwise be logged and replaced by a fallback; for tests
    STORAGE: str = "recommendations"  # alias in STORAGES for artifacts; without it, a folder beside manage.py
    COOKIE_NAME: str = "recommendations_shopper"
    COOKIE_DAYS: int = 365
    RETENTION_DAYS: int = 730  # interactions older than this are purged, and none so old is stored
    HIDE_DAYS: int = 180  # how long "not interested" lasts
    SENSITIVE_CATEGORIES: tuple[str, ...] = ()  # never named in a reason
    LEARN_FROM_VISITORS: bool | None = None  # also from visitors who never bought; None = while customers are few
    LEASE_SECONDS: int = 60  # a training without a heartbeat for this long is taken for dead
    TRAINING: dict[str, Any] = field(default_factory=dict)  # fields of ml.training_settings.TrainingSettings

    def __post_init__(self) -> None:
        """What lasts longer than a hundred years lasts a hundred: no date is so far."""
        for name in DAYS:
            days = getattr(self, name)
            if isinstance(days, int) and days > FOR_EVER:
                object.__setattr__(self, name, FOR_EVER)

    @property
    def has_consent(self) -> Callable[[HttpRequest], bool]:
        """The shop's consent function, or one that always agrees."""
        return import_string(self.HAS_CONSENT) if self.HAS_CONSENT else _always

    @property
    def kept_for(self) -> timedelta:
        """How long an event may be kept, and after its removal that it was removed; a hundred years at most."""
        return timedelta(days=self.RETENTION_DAYS)


def _always(request: HttpRequest) -> bool:
    return True


@cache
def get_config() -> Config:
    """The current settings. Raises NotConfigured for a key that does not exist."""
    given = dict(getattr(settings, "RECOMMENDATIONS", {}))
    known = {f.name for f in fields(Config)}
    if unknown := sorted(set(given) - known):
        raise NotConfigured(
            f"RECOMMENDATIONS has unknown keys {unknown}: expected some of {sorted(known)}. Correct settings.py."
        )
    return Config(**given)


@receiver(setting_changed)
def _forget(*, setting: str, **_: Any) -> None:
    if setting == "RECOMMENDATIONS":
        get_config.cache_clear()
