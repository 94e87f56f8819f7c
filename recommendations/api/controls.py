"""The shopper's rights over REST: whoever asks decides about what is kept of whoever asks."""

from typing import Any

from django.http import HttpRequest
from django.middleware.csrf import get_token
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from .. import controls
from ..exceptions import UnknownProduct
from ..models import Shopper
from ..serving.asking import shopper_of
from ..throttles import NewcomersThrottle, WritingThrottle
from .edge import Endpoint, page_request, product_id_in, sent_object
from .errors import BadField
from .unread import unread


class PersonalisationEndpoint(Endpoint):
    """GET, or PUT {"personalised": false}: whether anything of whoever asks is read and recorded.

    GET sets the CSRF cookie that every write needs: a page without a form would have none.
    """

    def get(self, request: Request) -> Response:
        get_token(page_request(request))
        return Response({"personalised": controls.is_personalised(page_request(request))})

    def put(self, request: Request) -> Response:
        wanted = sent_object(request, "personalised").get("personalised")
        if not isinstance(wanted, bool):
            raise BadField.expected("personalised", "true or false", wanted)
        page = page_request(request)
        response = Response({"personalised": wanted and controls.has_agreed(page)})
        (controls.switch_on if wanted else controls.switch_off)(page, response)
        return response


class ExportEndpoint(Endpoint):
    """GET: everything kept of whoever asks, as a file."""

    def get(self, request: Request) -> Response:
        page = page_request(request)
        shopper = Shopper.objects.asking(page)
        body = controls.export(shopper, page) if shopper is not None else {"shopper": None}
        return Response(body, headers={"Content-Disposition": 'attachment; filename="recommendations.json"'})


class MeEndpoint(Endpoint):
    """DELETE: erase everything kept of whoever asks, and record nothing more until it is switched on."""

    def delete(self, request: Request) -> Response:
        response = Response(status=status.HTTP_204_NO_CONTENT)
        controls.erase_all(page_request(request), response)
        return response


class HiddenEndpoint(Endpoint):
    """GET: what whoever asks does not want to see. POST {"product": ID}: not interested; with "fewer_like_it": true
    also less like this. DELETE ?product=ID: undo."""

    throttle_classes = (WritingThrottle, NewcomersThrottle)

    def get(self, request: Request) -> Response:
        page = page_request(request)
        return Response({"hidden": _hidden(shopper_of(page), page)})

    def post(self, request: Request) -> Response:
        sent = sent_object(request, "product", "fewer_like_it")
        product_id = product_id_in(sent)
        fewer = sent.get("fewer_like_it", False)
        if not isinstance(fewer, bool):
            raise BadField.expected("fewer_like_it", "true or false", fewer)
        page = page_request(request)
        response = Response(status=status.HTTP_201_CREATED)
        try:
            # One transaction: a 503 for the hidden, which are read afterwards, says that nothing was hidden.
            with Shopper.objects.atomic():
                shopper = controls.hide_as_asked(page, response, product_id, fewer)
                if shopper is None:
                    return Response({"detail": unread(page)}, status.HTTP_409_CONFLICT)
                response.data = {"hidden": _hidden(shopper, page)}
        except UnknownProduct as error:
            raise BadField("product", str(error)) from None
        return response

    def delete(self, request: Request) -> Response:
        product_id = product_id_in(request.query_params)
        page = page_request(request)
        shopper: Shopper | None = shopper_of(page)
        if shopper is None or not controls.show_again(shopper, product_id):
            return Response({"detail": unread(page) or "It was not hidden."}, status.HTTP_404_NOT_FOUND)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _hidden(shopper: Shopper | None, request: HttpRequest) -> list[dict[str, Any]]:
    hidden = controls.hidden_by(shopper) if shopper else []
    seen = controls.seen_by(shopper, {one.product_id for one in hidden}, request)
    return [
        {
            "product": one.product_id,
            "title": seen[one.product_id].title,
            "fewer_like_it": one.fewer_like_it,
            "until": one.until.isoformat(),
            "removed_at": one.removed_at.isoformat() if one.removed_at else None,
        }
        for one in hidden
    ]
