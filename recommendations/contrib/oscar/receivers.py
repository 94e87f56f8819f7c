"""What Oscar tells of its shoppers and its stock. Oscar sends without a net: nothing here may break its pages."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from oscar.apps.basket.signals import basket_addition
from oscar.apps.catalogue.signals import product_viewed
from oscar.apps.order.signals import order_line_status_changed, order_placed, order_status_changed
from oscar.apps.search.signals import user_search
from oscar.core.loading import get_model

from recommendations.boundary import never_break
from recommendations.capture import record, record_order
from recommendations.catalog import mirror_after_commit, product_id_of
from recommendations.conf import get_config
from recommendations.contrib.oscar.returns import record_returns, returned_statuses
from recommendations.ml.kinds import Kind

StockRecord = get_model("partner", "StockRecord")


@receiver(product_viewed, dispatch_uid="recommendations-oscar-viewed")
@never_break(fallback=lambda **_: None)
def viewed(*, product: Any, request: HttpRequest, response: HttpResponse | None = None, **_: Any) -> None:
    """A product's page was shown; a new visitor gets our cookie with it."""
    record(request, Kind.VIEW, product, response=response)


@receiver(basket_addition, dispatch_uid="recommendations-oscar-added")
@never_break(fallback=lambda **_: None)
def added_to_basket(*, product: Any, request: HttpRequest, **_: Any) -> None:
    """A product was put into the basket; how many, the signal does not say."""
    record(request, Kind.ADD_TO_CART, product)


@receiver(user_search, dispatch_uid="recommendations-oscar-searched")
@never_break(fallback=lambda **_: None)
def searched(*, sender: Any, query: str, **_: Any) -> None:
    """Words were searched for. Oscar sends this also for each further page, filter and sorting of a search."""
    asked = sender.request.GET
    again = asked.get("page", "1") != "1" or "sort_by" in asked or asked.getlist("selected_facets")
    if query.strip() and not again:
        record(sender.request, Kind.SEARCH, query=query)


@receiver(order_placed, dispatch_uid="recommendations-oscar-ordered")
@never_break(fallback=lambda **_: None)
def ordered(*, order: Any, user: Any = None, **_: Any) -> None:
    """An order was placed: recorded once it has committed, for whoever sent the request, else for its user.

    With RECOMMENDATIONS["HAS_CONSENT"] only for whoever sent the request: nobody else can be asked.
    """
    who = _buyer(order, user)
    if who is None:
        return

    transaction.on_commit(lambda: record_placed(order, who), using=order._state.db)


@never_break(fallback=lambda order, who: None)
def record_placed(order: Any, who: Any) -> None:
    """Record the lines of an order that has committed."""
    lines = order.lines.filter(product__isnull=False).select_related("product")
    bought = [(line.product, line.quantity) for line in lines]
    record_order(who, bought, order.number, occurred_at=order.date_placed)


def _buyer(order: Any, user: Any) -> Any:
    """The request if it is the buyer's own, else the user, unless there must be consent: None then.

    Staff may order for somebody else, and a payment's gateway tells of orders, too: without the user, or a guest's
    without any cookie.
    """
    strategy = getattr(order.basket, "_strategy", None)
    request = getattr(strategy, "request", None)
    is_its_users = request is not None and getattr(request.user, "pk", None) == getattr(user, "pk", None)
    if is_its_users and (user is not None or request.COOKIES):
        return request
    return None if get_config().HAS_CONSENT else user or AnonymousUser()


@receiver(order_status_changed, dispatch_uid="recommendations-oscar-order-returned")
@never_break(fallback=lambda **_: None)
def order_changed(*, order: Any, new_status: str, **_: Any) -> None:
    """An order has a new status, and with it perhaps its lines, of which Oscar then does not tell."""
    if {new_status, order.cascade.get(new_status)} & returned_statuses():
        transaction.on_commit(lambda: record_returned_order(order), using=order._state.db)


@receiver(order_line_status_changed, dispatch_uid="recommendations-oscar-line-returned")
@never_break(fallback=lambda **_: None)
def line_changed(*, line: Any, new_status: str, **_: Any) -> None:
    """A line of an order has a new status."""
    if new_status in returned_statuses():
        transaction.on_commit(lambda: record_returned_line(line), using=line._state.db)


@never_break(fallback=lambda order: None)
def record_returned_order(order: Any) -> None:
    """Record what came back of an order whose new status has committed."""
    record_returns(order)


@never_break(fallback=lambda line: None)
def record_returned_line(line: Any) -> None:
    """Record what came back of the order of a line whose new status has committed."""
    record_returns(line.order)


@receiver([post_save, post_delete], sender=StockRecord, dispatch_uid="recommendations-oscar-stock")
@never_break(fallback=lambda **_: None)
def stock_changed(*, instance: Any, raw: bool = False, using: str | None = None, **_: Any) -> None:
    """Mirror the product whose stock or price changed; products themselves are watched by the app."""
    if not raw:
        mirror_after_commit(product_id_of(instance.product), using)
