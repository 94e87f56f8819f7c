"""Taking something out of the history, putting it back, and not being shown a product."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Max
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ..conf import get_config
from ..cookies import give_cookie
from ..exceptions import UnknownProduct
from ..models import HiddenProduct, Interaction, Product, RemovedProduct, Shopper
from ..models.texts import is_storable
from .remembering import UNDO_FOR


def remove(
    shopper: Shopper, product_id: str | None = None, query: str | None = None, now: datetime | None = None
) -> bool:
    """Forget all events with a product, or all searches for a query; every reader obeys at once.

    Events later than now and than those count again. False when nothing of it is remembered.
    """
    about = _about(product_id, query)
    if about is None:
        return False
    remembered = Interaction.objects.remembered().filter(shopper=shopper, **about)
    with Shopper.objects.atomic():
        _wait_for_others(shopper)
        newest = remembered.aggregate(newest=Max("occurred_at"))["newest"]
        if newest is None:
            return False
        # Later than now when the clock was set back, or goes slower here than where the event was stamped.
        removed_at = max(now or timezone.now(), newest)
        RemovedProduct.objects.create(shopper=shopper, **about, removed_at=removed_at)
    return True


def restore(
    shopper: Shopper, product_id: str | None = None, query: str | None = None, now: datetime | None = None
) -> bool:
    """Undo the last removal: the history is what it was before it, without what had been removed earlier.

    False when there was none, or its events may be purged already.
    """
    about = _about(product_id, query)
    if about is None:
        return False
    since = (now or timezone.now()) - UNDO_FOR
    last = RemovedProduct.objects.filter(shopper=shopper, removed_at__gt=since, **about).order_by("removed_at").last()
    if last is not None:
        last.delete()
    return last is not None


def hide(shopper: Shopper, product_id: str, fewer_like_it: bool = False, now: datetime | None = None) -> None:
    """ "Not interested": the product is not recommended for RECOMMENDATIONS["HIDE_DAYS"]. Raises UnknownProduct.

    "Less like this" (`fewer_like_it`): of its category only one product in four is, either. Without a category nothing
    is like it, and nothing but itself is hidden.
    """
    product = _product(product_id)
    if product is None:
        raise UnknownProduct(product_id)
    until = (now or timezone.now()) + timedelta(days=get_config().HIDE_DAYS)
    wish = {"until": until, "fewer_like_it": fewer_like_it and bool(product.category)}
    with HiddenProduct.objects.atomic_writing():
        HiddenProduct.objects.update_or_create(shopper=shopper, product=product, defaults=wish)


def hide_as_asked(
    request: HttpRequest, response: HttpResponse, product_id: str, fewer_like_it: bool = False
) -> Shopper | None:
    """hide() for whoever sends the request, who is given a cookie where they are new. Raises UnknownProduct.

    None where nothing may be kept of them: then nothing is.
    """
    with Shopper.objects.atomic():  # who is refused is not written down
        shopper, cookie = Shopper.objects.writing(request, in_flight=False)
        if shopper is not None:
            hide(shopper, product_id, fewer_like_it)
    if cookie:
        give_cookie(request, response, cookie)
    return shopper


def is_like_others(product_id: str) -> bool:
    """Whether "less like this" can be said of it: it has a category."""
    return bool(Product.objects.filter(product_id=product_id).values_list("category", flat=True).first())


def show_again(shopper: Shopper, product_id: str, now: datetime | None = None) -> bool:
    """End what hidden_by() tells of it; what was removed stays forgotten. False when it was not hidden."""
    product = _product(product_id)
    if product is None:
        return False
    over = (now or timezone.now()) - UNDO_FOR
    its = {"shopper": shopper, "product": product}
    removed = RemovedProduct.objects.left_out().filter(**its, removed_at__lte=over)
    return HiddenProduct.objects.filter(**its).delete()[0] + removed.update(shown_again=True) > 0


def _wait_for_others(shopper: Shopper) -> None:
    """Until the transaction ends, no other removal of this shopper looks at what is remembered."""
    # Written, not SELECT FOR UPDATE: SQLite locks only for a write, and refuses one that begins after others wrote.
    Shopper.objects.filter(pk=shopper.pk).update(personalised=F("personalised"))


def _about(product_id: str | None, query: str | None) -> dict[str, Any] | None:
    """The unit as columns of both tables; None for what nobody can have met."""
    if bool(product_id) == bool(query):
        raise ValueError("expected a product_id or a query, and not both.")
    if query:
        return {"product": None, "query": query} if is_storable(query) else None
    product = _product(product_id or "")
    return None if product is None else {"product": product, "query": ""}


def _product(product_id: str) -> Product | None:
    # PostgreSQL raises for a text that it can't hold, instead of finding nothing.
    return Product.objects.filter(product_id=product_id).first() if is_storable(product_id) else None
