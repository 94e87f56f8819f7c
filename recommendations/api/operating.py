"""What a monitor asks: is the process alive, can it serve, how much of what. Nothing of any shopper."""

from django.db import Error as DatabaseFailure
from django.db import connections, router
from django.db.models import Count
from django.http import HttpResponse
from django.utils import timezone
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from .. import metrics
from ..conf import get_config
from ..exceptions import NotConfigured
from ..models import Interaction, RecommenderVersion
from ..publishing import current_recommender
from .edge import Endpoint, permission


class LiveEndpoint(Endpoint):
    """GET: 200 while this process answers at all; asks nobody."""

    authentication_classes = ()

    def get(self, request: Request) -> Response:
        return Response({"status": "live"})


class ReadyEndpoint(Endpoint):
    """GET: 200 when the database answers and the current version can be served, or none is published yet; else 503."""

    authentication_classes = ()

    def get(self, request: Request) -> Response:
        recommender, database = _recommender(), "reachable"
        ready = recommender in ("serving", "catching up", "none published: popular products are shown")
        if recommender == "unknown":
            database = _what_ails_the_database()
        return Response(
            {"status": "ready" if ready else "not ready", "database": database, "recommender": recommender},
            status.HTTP_200_OK if ready else status.HTTP_503_SERVICE_UNAVAILABLE,
        )


def _recommender() -> str:
    """What this process serves with, as far as the database tells."""
    try:
        current = RecommenderVersion.objects.current()
        loaded = current_recommender()
    except DatabaseFailure:
        # What is asked next starts with a connection of its own.
        connections[router.db_for_write(Interaction)].close()
        return "unknown"
    if current is None:
        return "none published: popular products are shown"
    if loaded is None:
        return "unreadable: popular products are shown"
    return "serving" if loaded.version == current.pk else "catching up"


def _what_ails_the_database() -> str:
    """Why it did not tell what is published."""
    try:
        has_tables = Interaction.objects.has_table()
    except DatabaseFailure:
        connections[router.db_for_write(Interaction)].close()
        return "unreachable"
    return "failing" if has_tables else "not migrated"


class MetricsEndpoint(Endpoint):
    """GET: figures for Prometheus, for a user with the permission to view versions; 404 where they are off."""

    permission_classes = (permission("view_recommenderversion"),)

    def get(self, request: Request) -> HttpResponse:
        if not get_config().METRICS:
            return Response({"detail": 'Off: set RECOMMENDATIONS["METRICS"].'}, status.HTTP_404_NOT_FOUND)
        current = RecommenderVersion.objects.current()
        age = (timezone.now() - current.created_at).total_seconds() if current else None
        ended = RecommenderVersion.objects.order_by().values_list("status").annotate(count=Count("pk"))
        try:
            text, content_type = metrics.page(current.pk if current else None, age, dict(ended))
        except NotConfigured as error:
            return Response({"detail": str(error)}, status.HTTP_501_NOT_IMPLEMENTED)
        return HttpResponse(text, content_type=content_type)
