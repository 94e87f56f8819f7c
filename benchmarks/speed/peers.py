"""What the app is measured against: views that do the same work of the database and nothing else."""

from django.utils import timezone
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Shopper

COOKIE = "recommendations_shopper"


class Peer(APIView):
    """JSON in and out, nobody is asked who they are, nothing is counted."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)


class OneInsert(Peer):
    """The same lookup of the shopper as the beacon's, and one committed INSERT; `product` is a primary key."""

    def post(self, request: Request) -> Response:
        shopper = Shopper.objects.of_key(request.COOKIES[COOKIE])
        Interaction.objects.create(
            shopper_id=shopper.pk,
            product_id=request.data["product"],
            kind=Kind.VIEW,
            source=Interaction.Source.BEACON,
            occurred_at=timezone.now(),
            event_key=request.data["key"],
        )
        return Response({"accepted": 1}, status=201)
