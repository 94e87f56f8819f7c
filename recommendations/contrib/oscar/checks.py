"""What `manage.py check` finds in a shop that uses the adapter."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Warning, register

OURS = "recommendations.contrib.oscar"


@register("recommendations")
def check_order(app_configs: Sequence[AppConfig] | None = None, **_: Any) -> list[CheckMessage]:
    """Templates are looked up in the order of INSTALLED_APPS: ours extend Oscar's, so they must be found first."""
    names = [config.name for config in apps.get_app_configs()]
    before = [name for name in names[: names.index(OURS)] if name in ("recommendations", "oscar")]
    if not before:
        return []
    return [
        Warning(
            f"{OURS} stands after {before[0]} in INSTALLED_APPS: its templates are not used.",
            hint=f'Move "{OURS}" to the top of INSTALLED_APPS.',
            id="recommendations.W011",
        )
    ]
