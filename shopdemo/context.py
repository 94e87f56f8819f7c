from itertools import groupby
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.text import slugify

from .cart import Cart
from .labels import Shelf, shelves


def departments() -> list[dict[str, Any]]:
    """The shop's departments in order, each with its shelves."""
    return [_department(name, list(group)) for name, group in groupby(shelves().values(), lambda s: s.department)]


def _department(name: str, on: list[Shelf]) -> dict[str, Any]:
    return {"name": name, "slug": slugify(name), "shelves": on, "emoji": on[0].emoji, "colour": on[0].colour}


def shop(request: HttpRequest) -> dict[str, Any]:
    """What every page's header and footer need."""
    user = getattr(request, "user", None)
    return {
        "departments": departments(),
        "cart_count": sum(line.quantity for line in Cart(request).lines()) if hasattr(request, "session") else 0,
        "household": getattr(user, "household", None) if user is not None and user.is_authenticated else None,
        "can_switch": settings.DEBUG,
    }
