"""What a caller did wrong, in one shape: {"errors": [{"index"?, "field", "message"}]}."""

import math
from typing import Any

from django.db import Error as DatabaseFailure
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.response import Response

from ..boundary import RETRY_SECONDS
from ..logs import log
from ..mistakes import is_raised

MAX_ECHO = 100


class BadField(APIException):
    """A value that can't be used: `field` is its name, `index` its place in a batch."""

    status_code = status.HTTP_400_BAD_REQUEST

    def __init__(self, field: str, message: str, index: int | None = None) -> None:
        self.field, self.message, self.index = field, message, index
        super().__init__(f"{field}: {message}")

    @classmethod
    def expected(cls, field: str, expected: str, value: object = None) -> "BadField":
        """The usual words: the bad value, then what was expected."""
        shown = "" if value is None else f"{value!r:.{MAX_ECHO}}: "
        return cls(field, f"{shown}expected {expected}.")

    @property
    def body(self) -> dict[str, Any]:
        """The error as sent."""
        place = {} if self.index is None else {"index": self.index}
        return {"errors": [{**place, "field": self.field, "message": self.message}]}


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to an error; None lets it crash. No endpoint is in a transaction: there is nothing to roll back.

    503 where the database can't answer, and where the endpoint's own `failure` is raised, as by the shop's own code;
    but what its developer is to see crashes (mistakes.py).
    """
    if isinstance(error, ParseError):
        error = BadField.expected("body", "JSON in UTF-8")
    if isinstance(error, BadField):
        return Response(error.body, status=error.status_code)
    if isinstance(error, APIException):
        wait = getattr(error, "wait", None)
        headers = {"Retry-After": str(math.ceil(wait))} if wait else None
        return Response({"detail": error.detail}, status=error.status_code, headers=headers)
    view = context["view"]
    if isinstance(error, DatabaseFailure):
        return _unavailable(view, error, "The database can't answer now; nothing was accepted.")
    if isinstance(error, view.failure) and not is_raised(error):
        return _unavailable(view, error, "This can't be answered now.")
    return None


def _unavailable(view: object, error: Exception, detail: str) -> Response:
    log("request_not_served", error, endpoint=type(view).__name__)
    headers = {"Retry-After": str(RETRY_SECONDS)}
    return Response({"detail": detail}, status=status.HTTP_503_SERVICE_UNAVAILABLE, headers=headers)
