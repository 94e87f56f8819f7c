"""At login, what the visitor did becomes the user's."""

from django.http import HttpRequest
from django.utils import timezone

from ..boundary import never_break
from ..conf import get_config
from ..models import HiddenProduct, Interaction, RemovedProduct, Shopper
from ..models.shopper import is_paused


@never_break(fallback=lambda request, user: None)
def merge_at_login(request: HttpRequest, user: object) -> None:
    """Move the visitor's events, hidden and removed products to the user; the middleware then drops the cookie.

    An opt-out on either side wins. Events still in flight reach the user for 24 hours more.
    """
    config = get_config()
    key = request.COOKIES.get(config.COOKIE_NAME, "")
    request.__dict__.pop("_recommendations_shopper", None)
    if key:
        request.recommendations_drop_cookie = True  # type: ignore[attr-defined]
    if not is_paused(request) and (not key or not config.has_consent(request)):
        return
    with Shopper.objects.atomic():
        owner, _ = Shopper.objects.get_or_create(user=user)
        if is_paused(request):
            Shopper.objects.filter(pk=owner.pk).update(personalised=False)
        visitor = Shopper.objects.of_key(key) if key else None
        if visitor is not None:
            merge(visitor, owner)


def merge(visitor: Shopper, owner: Shopper) -> None:
    """Give `owner` everything of `visitor`, once; call it in a transaction."""
    locked = Shopper.objects.select_for_update().in_bulk(sorted([visitor.pk, owner.pk]))
    visitor, owner = locked[visitor.pk], locked[owner.pk]
    if visitor.pk == owner.pk or visitor.merged_into_id is not None or visitor.user_id is not None:
        return
    Interaction.objects.filter(shopper=visitor).hand_over(owner)
    _keep_latest(HiddenProduct, ("until", "fewer_like_it"), visitor, owner)
    _keep_latest(RemovedProduct, ("removed_at",), visitor, owner)
    visitor.merged_into, visitor.merged_at = owner, timezone.now()
    visitor.save(update_fields=["merged_into", "merged_at"])
    if not visitor.personalised and owner.personalised:
        owner.personalised = False
        owner.save(update_fields=["personalised"])


def _keep_latest(model: type, fields: tuple[str, ...], visitor: Shopper, owner: Shopper) -> None:
    """Both sides' rows; where both have one, the fields of that whose first field, a time, is later."""
    about = ("product_id", "query") if model is RemovedProduct else ("product_id",)
    owners = {tuple(getattr(row, name) for name in about): row for row in model.objects.filter(shopper=owner)}
    for row in model.objects.filter(shopper=visitor):
        mine = owners.get(tuple(getattr(row, name) for name in about))
        if mine is None:
            row.shopper = owner
            row.save(update_fields=["shopper"])
            continue
        if getattr(row, fields[0]) > getattr(mine, fields[0]):
            for name in fields:
                setattr(mine, name, getattr(row, name))
            mine.save(update_fields=fields)
        row.delete()
