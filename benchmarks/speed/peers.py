"""What the app is measured against: views that do the same work of the database and nothing else."""

from dataclasses import replace
from datetime import datetime

from django.utils import timezone
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from recommendations.api.edge import page_request
from recommendations.api.lists import ListsEndpoint, as_json, product_as_json
from recommendations.catalog import Card, find_cards
from recommendations.ml.kinds import Kind
from recommendations.ml.sequences import READ_LIMIT
from recommendations.models import HiddenProduct, Interaction, Shopper
from recommendations.serving import recommend
from recommendations.serving.asking import query_of

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


class SameQueries(Peer):
    """The queries of a list as a view asks them, with the ORM, and the cards of ten products; nothing is ranked.

    `products` are the ids asked for.
    """

    def get(self, request: Request) -> Response:
        shopper, now = Shopper.objects.of_key(request.COOKIES[COOKIE]), timezone.now()
        self._ask(shopper.pk, now)
        cards = find_cards(request.query_params["products"].split(","), request._request)
        return Response({"recommendations": [self._entry(card) for card in list(cards.values())[:10]]})

    def _ask(self, shopper: int, now: datetime) -> None:
        Interaction.objects.remembered().filter(shopper=shopper).newest(READ_LIMIT + 1)
        list(HiddenProduct.objects.hidden_or_removed(shopper, now))

    def _entry(self, card: Card) -> dict[str, object]:
        return {"rank": 1, "score": None, "source": "", "product": product_as_json(card), "reason": None}


class WrittenQueries(SameQueries):
    """The same, with the statements that we write once a process."""

    def _ask(self, shopper: int, now: datetime) -> None:
        Interaction.objects.newest_of(shopper, READ_LIMIT + 1)
        HiddenProduct.objects.left_out_by(shopper, now)


class Unexplained(ListsEndpoint):
    """The list endpoint without a look for causes."""

    def get(self, request: Request) -> Response:
        return Response(as_json(recommend(replace(query_of(page_request(request), "home"), explains=False))))
