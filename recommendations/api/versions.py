from typing import Any

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from ..boundary import RETRY_SECONDS
from ..exceptions import BrokerUnreachable, NoBroker, RetrainingBusy
from ..models import RecommenderVersion
from ..retraining import reap, request_retraining
from .edge import Endpoint, permission, whole_number

MOST = 100


class VersionsEndpoint(Endpoint):
    """GET [?limit=20]: the newest versions, their progress, metrics and fate. For staff who may view versions."""

    permission_classes = (permission("view_recommenderversion"),)

    def get(self, request: Request) -> Response:
        reap()  # whoever asks should not see a dead worker's training go on
        limit = whole_number(request.query_params, "limit", default=20, least=1, most=MOST)
        return Response({"versions": [_version(version) for version in RecommenderVersion.objects.all()[:limit]]})


class RetrainEndpoint(Endpoint):
    """POST: queue a retraining and answer at once. For staff who may retrain."""

    permission_classes = (permission("retrain"),)

    def post(self, request: Request) -> Response:
        try:
            request_retraining(started_by=request.user.get_username()[:255])
        except RetrainingBusy as busy:
            return Response({"detail": str(busy), "version": busy.version_id}, status.HTTP_409_CONFLICT)
        except (NoBroker, BrokerUnreachable) as error:
            later = {"Retry-After": str(RETRY_SECONDS)}
            return Response({"detail": str(error)}, status.HTTP_503_SERVICE_UNAVAILABLE, headers=later)
        return Response({"status": "queued"}, status.HTTP_202_ACCEPTED)


def _version(version: RecommenderVersion) -> dict[str, Any]:
    times = {name: getattr(version, name) for name in ("created_at", "finished_at", "published_at")}
    return {
        "id": version.pk,
        "status": version.status,
        "stage": version.stage,
        "progress": version.progress,
        "started_by": version.started_by,
        **{name: time.isoformat() if time else None for name, time in times.items()},
        "data": version.data,
        "metrics": version.metrics,
        "error": version.error,
    }
