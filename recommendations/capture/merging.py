"""At login, what the visitor did becomes the user's."""

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from ..boundary import never_break
from ..conf import get_config
from ..models import HiddenProduct, Interaction, RemovedProduct, Shopper
from ..models.shopper import django_request, hash_key, is_paused


@never_break(fallback=lambda request, user: None)
def merge_at_login(request: HttpRequest, user: object) -> None:
    """Move the visitor's events, hidden and removed products to the user; the middleware then drops the cookie.

    An opt-out on either side wins: then nothing of the visitor is kept. Without consent nothing is either: nobody could
    reach it any more. Events still in flight reach the user for 24 hours more. What fails leaves the cookie as it is.
    """
    request, config = django_request(request), get_config()
    key = request.COOKIES.get(config.COOKIE_NAME, "")
    request.__dict__.pop("_recommendations_shopper", None)
    if is_paused(request) or (key and config.has_consent(request)):
        with Shopper.objects.atomic_writing():
            owner, _ = Shopper.objects.get_or_create(user=user)
            if is_paused(request):
                Shopper.objects.filter(pk=owner.pk).update(personalised=False)
            visitor = Shopper.objects.of_key(key) if key else None
            if visitor is not None:
                merge(visitor, owner)
    elif key:
        Shopper.objects.filter(key_hash=hash_key(key), merged_into=None).delete()
    if key:
        request.recommendations_drop_cookie = True  # type: ignore[attr-defined]


def merge(visitor: Shopper, owner: Shopper) -> None:
    """Give `owner` everything of `visitor`, once; where either opted out, delete it. Call it in a transaction."""
    locked = Shopper.objects.select_for_update().in_bulk(sorted([visitor.pk, owner.pk]))
    visitor, owner = locked[visitor.pk], locked[owner.pk]
    if visitor.pk == owner.pk or visitor.merged_into_id is not None or visitor.user_id is not None:
        return
    if not visitor.personalised and owner.personalised:
        owner.personalised = False
        owner.save(update_fields=["personalised"])
    Interaction.objects.filter(shopper=visitor).hand_over(owner)
    removed, hidden = (model.objects.filter(shopper=visitor) for model in (RemovedProduct, HiddenProduct))
    if owner.personalised:
        removed.update(shopper=owner)
        _hide_longest(hidden, owner)
    else:
        removed.delete()
        hidden.delete()
    visitor.merged_into, visitor.merged_at = owner, timezone.now()
    visitor.save(update_fields=["merged_into", "merged_at"])


def _hide_longest(visitors: QuerySet[HiddenProduct], owner: Shopper) -> None:
    """What either side hid; where both hid the same, as the wish that ends later says."""
    owners = {row.product_id: row for row in HiddenProduct.objects.filter(shopper=owner)}
    for row in visitors:
        mine = owners.get(row.product_id)
        if mine is None:
            row.shopper = owner
            row.save(update_fields=["shopper"])
            continue
        if row.until > mine.until:
            mine.until, mine.fewer_like_it = row.until, row.fewer_like_it
            mine.save(update_fields=["until", "fewer_like_it"])
        row.delete()
