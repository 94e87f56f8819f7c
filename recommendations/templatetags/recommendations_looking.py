"""Filters of the staff's page that looks into one list."""

from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

register = template.Library()

MINUS = "\N{MINUS SIGN}"
WORDS = {
    # what was done with a product
    "event:bought": _("bought"),
    "event:in_basket": _("in the basket"),
    "event:saved": _("saved"),
    "event:viewed": _("viewed"),
    "event:put_in_basket": _("put into the basket"),
    "event:searched": _("searched for"),
    "event:": _("returned"),
    # where a recommendation comes from
    "source:recommender": _("recommender"),
    "source:similar": _("products alike"),
    "source:together": _("products that come after it"),
    "source:promoted": _("promoted by the shop"),
    "source:popular": _("popular products"),
    "source:new": _("new products"),
    "source:bought": _("bought products"),
    "source:": _("not in the list"),
    # why there is nothing of the recommender's to look into
    "gap:not_personal": _(
        "This shopper switched personalisation off: nothing is read of the history, and the list is the one that "
        "strangers see."
    ),
    "gap:no_version": _(
        "No version can serve: nothing is published yet, or the files of the published version can't be read (the log "
        "says why). The list is made of popular products."
    ),
    "gap:no_history": _(
        "The recommender can read nothing of this shopper's history, so the list is the one that strangers see."
    ),
    "gap:page_no_version": _(
        "No version can serve: nothing is published yet, or the files of the published version can't be read (the log "
        "says why). Beside a product nothing is shown then."
    ),
    "gap:page_unknown": _("This version does not know the product of the page, so nothing is shown beside it."),
    "gap:page": _(
        "This list rests on the product of the page. The history has no part in it but what the shopper hid, removed "
        "or has in the basket."
    ),
    "gap:nothing_eligible": _("The recommender knows no product that this list may show."),
    # rules that leave a product out
    "filter:unknown_to_version": _("Unknown to this version"),
    "filter:not_available": _("Not available in the shop"),
    "filter:hidden": _("Hidden by the shopper"),
    "filter:fewer_like_it": _("Of a category that the shopper wants fewer of"),
    "filter:removed": _("Removed from the history"),
    "filter:in_basket": _("In the basket"),
    "filter:met": _("Met before, not bought"),
    "filter:bought": _("Bought already"),
    "filter:not_bought": _("Never bought"),
    "filter:itself": _("The product of the page itself"),
    "filter:other_model": _("Of another model of the shop than the product of the page"),
    "filter:other_category": _("Of another category than the product of the page"),
    "filter:never_follows": _("Never came after the product of the page"),
    "filter:not_for_sale": _("Can't be bought right now"),
    # what is taken away to see what it does
    "part:kinds": _("Kinds of event read as unknown"),
    "part:table": _("Next-item table says nothing"),
    "part:repeats": _("Repeat purchases say nothing"),
}


@register.filter
def word(code: str, group: str) -> Any:
    """What a code of that group is called on the page; the code itself when it has no words."""
    return WORDS.get(f"{group}:{code}", code)


@register.filter
def signed(value: float | None, places: int = 2) -> str:
    """A number with its sign, also where it is positive; a dash for None."""
    if value is None:
        return "–"
    rounded = round(value, places)
    sign = "+" if rounded > 0 else MINUS if rounded < 0 else ""
    return sign + number_format(abs(rounded), places, use_l10n=True)


@register.filter
def shade(step: int) -> str:
    """heat-n3 to heat-p3."""
    return f"heat-{'n' if step < 0 else 'p'}{abs(step)}" if step else "heat-0"
