"""What a shopper may read of a product that the own history names. Anybody can name any product, a secret one too."""

from collections.abc import Collection
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _

from ..catalog import Card, cards_if_any
from ..models import Interaction, Shopper


@dataclass(frozen=True)
class Seen:
    """A product as one shopper may see it now; `card` is None where the shop does not show it."""

    title: str
    card: Card | None = None


def seen_by(shopper: Shopper | None, product_ids: Collection[str], request: HttpRequest | None) -> dict[str, Seen]:
    """Each of these products as whoever sends the request may see it.

    Without a card, the mirror's title is told only to a shopper of whom the shop itself said, live or by an import,
    that the product was met; else that it is not shown, and no more.
    """
    cards = cards_if_any(product_ids, request)
    own = Interaction.objects.titles_told_by_shop(shopper) if shopper and set(product_ids) - cards.keys() else {}
    unseen = _("A product that is not shown now")
    return {
        product_id: Seen(cards[product_id].title, cards[product_id])
        if product_id in cards
        else Seen(own.get(product_id, unseen))
        for product_id in product_ids
    }
