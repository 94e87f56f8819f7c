"""Our REST endpoints as an OpenAPI document.

Written by hand: endpoints read what is sent field by field, so there are no serializers that it could be made from.
That it lacks no endpoint is tested, that it tells the truth is what `make fuzz` tries to disprove.
"""

from collections.abc import Iterable
from typing import Any

from .deciding import DECIDING
from .shapes import SCHEMAS
from .shopping import shopping
from .staff import STAFF

TITLE = "django-because"


def document(url: str, version: str, models: Iterable[str]) -> dict[str, Any]:
    """The OpenAPI document of the endpoints below `url`; `models` are the names of the shop's registered models."""
    return {
        "openapi": "3.0.3",
        "info": {"title": TITLE, "version": version, "description": "Recommendations whose reasons are true."},
        "servers": [{"url": url}],
        "paths": {**shopping(models), **DECIDING, **STAFF},
        "components": {"schemas": SCHEMAS},
    }
