from importlib.metadata import PackageNotFoundError, version

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from ..catalog import get_catalogs
from .edge import Endpoint
from .openapi import document


class SchemaEndpoint(Endpoint):
    """GET: these endpoints as an OpenAPI document; open to everybody, it tells nothing of the shop."""

    authentication_classes = ()

    def get(self, request: Request) -> Response:
        below = reverse("recommendations:schema").removesuffix("/schema/")
        return Response(document(below, _release(), (catalog.name for catalog in get_catalogs())))


def _release() -> str:
    try:
        return version("django-because")
    except PackageNotFoundError:  # run from a checkout
        return "0"
