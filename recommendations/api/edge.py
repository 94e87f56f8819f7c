"""What all our endpoints share. Everything is named here, so that the shop's REST_FRAMEWORK changes nothing."""

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.http import HttpRequest
from django.utils.cache import add_never_cache_headers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import MethodNotAllowed, ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import JSONParser
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from ..models.product import MAX_PRODUCT_ID
from ..models.texts import is_storable
from ..throttles import WritingThrottle
from .authentication import CsrfSessionAuthentication, PasswordAuthentication
from .errors import BadField, handle

# Of a body, and of the number that tells how long it is.
MOST_BYTES = 512 * 1024
MOST_DIGITS = 18


class PlainJSON(JSONRenderer):
    """Compact UTF-8 JSON, whatever the shop's own API prefers."""

    compact = True
    ensure_ascii = False
    strict = True

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        """The data as bytes; half of a surrogate pair, which UTF-8 does not have, as the `\\ud800` it came as."""
        try:
            return super().render(data, *args, **kwargs)
        except UnicodeEncodeError:
            return ASCIIJSON().render(data, *args, **kwargs)


class ASCIIJSON(JSONRenderer):
    """The same with every other letter escaped."""

    compact = True
    ensure_ascii = True
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
    throttle_classes: tuple[type[BaseThrottle], ...] = (WritingThrottle,)
    content_negotiation_class = AlwaysJSON
    metadata_class = None
    versioning_class = None
    schema = None
    failure: type[Exception] = DatabaseFailure  # what is answered with 503

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """A method that there is not is said so before anything else, then that a body is too large to be read."""
        if not hasattr(self, str(request.method).lower()):
            raise MethodNotAllowed(str(request.method))
        _refuse_large(request)
        super().initial(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """No cache keeps an answer, the shop's own neither: it is of whoever asks, or of this moment."""
        response = super().finalize_response(request, response, *args, **kwargs)
        add_never_cache_headers(response)
        return response

    def get_exception_handler(self) -> Callable[..., Any]:
        return handle


def permission(name: str) -> type[BasePermission]:
    """Needs the permission `recommendations.<name>`."""

    class HasPermission(BasePermission):
        message = f"This needs the permission recommendations.{name}."

        def has_permission(self, request: Request, view: APIView) -> bool:
            return bool(request.user and request.user.has_perm(f"recommendations.{name}"))

    return HasPermission


def _refuse_large(request: Request) -> None:
    most = min(MOST_BYTES, settings.DATA_UPLOAD_MAX_MEMORY_SIZE or MOST_BYTES)
    told = request.META.get("CONTENT_LENGTH") or "0"
    # What is no number is read as nothing sent, by Django too.
    if told.isdecimal() and (len(told) > MOST_DIGITS or int(told) > most):
        raise BadField.expected("body", f"at most {most} bytes")


def sent_object(request: Request, *fields: str) -> Mapping[str, Any]:
    """The JSON object sent, none of whose fields is another one. Raises BadField."""
    sent = request.data
    if not isinstance(sent, Mapping):
        raise BadField.expected(fields[0], f"an object with {', '.join(fields)}", sent)
    if unknown := sorted(set(sent) - set(fields)):
        raise BadField.expected(unknown[0][:40], f"no such field; there are {', '.join(fields)}")
    return sent


def product_id_in(values: Mapping[str, Any], field: str = "product") -> str:
    """The id of a product that was sent, as text or number. Raises BadField."""
    value = values.get(field)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_PRODUCT_ID or not is_storable(value):
        raise BadField.expected(field, "the id of a product", value)
    return value


def page_request(request: Request) -> HttpRequest:
    """Django's own request, as the use cases take it."""
    return request._request


def whole_number(values: Any, field: str, default: int, least: int, most: int) -> int:
    """The query parameter as a number. Raises BadField."""
    text = values.get(field, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and least <= int(text) <= most):
        raise BadField.expected(field, f"a whole number from {least} to {most}", text)
    return int(text)
