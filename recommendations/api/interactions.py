from typing import Any

from django.db import Error as DatabaseFailure
from rest_framework import status
from rest_framework.exceptions import (
    AuthenticationFailed,
    MethodNotAllowed,
    NotAuthenticated,
    ParseError,
    PermissionDenied,
    Throttled,
    UnsupportedMediaType,
)
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from ..capture import accept
from ..capture.events import PERMISSION
from ..cookies import give_cookie
from ..exceptions import InvalidInteraction
from ..metrics import events_refused
from ..throttles import AddressThrottle, ShopperThrottle
from .authentication import PasswordAuthentication, SameOriginAuthentication
from .edge import Endpoint, StrictJSON, page_request
from .errors import BadField
from .events import read_event

MOST_EVENTS = 500
REFUSED = (
    (BadField | ParseError, "invalid"),
    (DatabaseFailure, "unavailable"),
    (Throttled, "throttled"),
    (PermissionDenied | NotAuthenticated | AuthenticationFailed, "forbidden"),
)
# No event was sent, by the wrong method or in another form than events have.
NO_EVENT = (MethodNotAllowed, UnsupportedMediaType)


class BlobJSON(StrictJSON):
    """JSON under the type that a page may send without asking first."""

    media_type = "text/plain"


class InteractionsEndpoint(Endpoint):
    """POST one event, or a list of at most 500: all are stored or none; 201 means that they are.

    The shop's own pages send it, without a CSRF token; its other systems log in with a password.
    """

    authentication_classes = (PasswordAuthentication, SameOriginAuthentication)
    parser_classes: tuple[type[BaseParser], ...] = (StrictJSON, BlobJSON)
    throttle_classes = (ShopperThrottle, AddressThrottle)

    sent = 1  # events in this request, where they can be counted

    def handle_exception(self, exc: Exception) -> Response:
        """The usual answer, counted where an event was sent."""
        if not isinstance(exc, NO_EVENT):
            events_refused(next((name for kind, name in REFUSED if isinstance(exc, kind)), "failed"), self.sent)
        return super().handle_exception(exc)

    def post(self, request: Request) -> Response:
        sent = _body(request)
        self.sent = len(sent) if isinstance(sent, list) else 1
        page = page_request(request)
        self._count_the_others(request)
        batch = isinstance(sent, list)
        events = [read_event(page, one, k if batch else None) for k, one in enumerate(sent if batch else [sent])]
        try:
            done = accept(page, events)
        except InvalidInteraction as error:
            raise BadField(error.field, error.message, error.index if batch else None) from None
        response = Response({"accepted": done.accepted, "duplicates": done.duplicates}, status.HTTP_201_CREATED)
        if done.cookie:
            give_cookie(page, response, done.cookie)
        return response

    def _count_the_others(self, request: Request) -> None:
        """Each event of a batch counts for its address, but for the shop's own systems. Raises Throttled, and then only
        the request counts, which was counted before it was read."""
        throttle, others = AddressThrottle(), self.sent - 1
        if others and not request.user.has_perm(PERMISSION) and not throttle.allow(request, self, others):
            raise Throttled(throttle.wait(self.sent))


def _body(request: Request) -> Any:
    sent = request.data
    if isinstance(sent, list) and not 1 <= len(sent) <= MOST_EVENTS:
        raise BadField.expected("body", f"a list of 1 to {MOST_EVENTS} events", f"{len(sent)} events")
    return sent
