"""What all our endpoints share. Everything is named here, so that the shop's REST_FRAMEWORK changes nothing."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from .authentication import CsrfSessionAuthentication, PasswordAuthentication
from .errors import BadField, handle


class PlainJSON(JSONRenderer):
    """Compact UTF-8 JSON, whatever the shop's own API prefers."""

    compact = True
    ensure_ascii = False
    strict = True


class StrictJSON(JSONParser):
    """JSON in UTF-8 without NaN, not nested deeper than Python reads."""

    strict = True
    renderer_class = PlainJSON

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs)
        except RecursionError as error:
            raise ParseError("nested too deeply") from error


class AlwaysJSON(DefaultContentNegotiation):
    """One format: neither Accept nor ?format= changes it."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class Endpoint(APIView):
    """Session and password logins, CSRF on writes, JSON in and out, our words for errors."""

    authentication_classes: tuple[type[BaseAuthentication], ...] = (PasswordAuthentication, CsrfSessionAuthentication)
    permission_classes: tuple[type[BasePermission], ...] = (AllowAny,)
    parser_classes = (StrictJSON,)
    renderer_classes = (PlainJSON,)
    throttle_classes = ()
    content_negotiation_class = AlwaysJSON
    metadata_class = None
    versioning_class = None
    schema = None

    def get_exception_handler(self) -> Callable[..., Any]:
        return handle


def permission(name: str) -> type[BasePermission]:
    """Needs the permission `recommendations.<name>`."""

    class HasPermission(BasePermission):
        message = f"This needs the permission recommendations.{name}."

        def has_permission(self, request: Request, view: APIView) -> bool:
            return bool(request.user and request.user.has_perm(f"recommendations.{name}"))

    return HasPermission


def page_request(request: Request) -> HttpRequest:
    """Django's own request, as the use cases take it."""
    return request._request


def whole_number(values: Any, field: str, default: int, least: int, most: int) -> int:
    """The query parameter as a number. Raises BadField."""
    text = values.get(field, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise BadField.expected(field, f"a whole number from {least} to {most}", text)
    return int(text)
