"""What a shopper may read of a product that the own history names. Anybody can name any product, a secret one too."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _

from ..catalog import Card, cards_if_any
from ..models import Interaction, Product, Shopper

# Products of which the shop's database and code are asked at once: a history holds any number.
AT_ONCE = 500


@dataclass(frozen=True)
class Seen:
    """A product as one shopper may see it now; `card` is None where the shop does not show it.

    Where not even its title is told, `title` says that it is not shown.
    """

    title: str
    card: Card | None = None
    is_told: bool = True


def seen_by(shopper: Shopper | None, product_ids: Collection[str], request: HttpRequest | None) -> dict[str, Seen]:
    """Each of these products as whoever sends the request may see it.

    Without a card, the mirror's title is told of what nobody can buy now (sold out, or no longer for sale), and to a
    shopper of whom the shop itself said, live or by an import, that the product was met; else that it is not shown,
    and no more.
    """
    unseen, seen = Seen(_("A product that is not shown now"), is_told=False), dict[str, Seen]()
    for asked in _parts(product_ids):
        seen |= dict.fromkeys(asked, unseen)
        cards = cards_if_any(asked, request)
        seen |= {product_id: Seen(card.title, card) for product_id, card in cards.items()}
        titles = _titles_without_card(shopper, asked - cards.keys())
        seen |= {product_id: Seen(title) for product_id, title in titles.items()}
    return seen


def told_to(shopper: Shopper | None, product_ids: Collection[str], request: HttpRequest | None) -> set[str]:
    """Those of these products whose title seen_by() tells; fewer cards are asked for than there."""
    told = set[str]()
    for asked in _parts(product_ids):
        told |= _titles_without_card(shopper, asked).keys()
        told |= cards_if_any(asked - told, request).keys()
    return told


def _parts(product_ids: Collection[str]) -> Iterator[set[str]]:
    ids = sorted(product_ids)
    return (set(ids[start : start + AT_ONCE]) for start in range(0, len(ids), AT_ONCE))


def _titles_without_card(shopper: Shopper | None, product_ids: set[str]) -> dict[str, str]:
    """product_id -> title of those whose title may be read whatever the shop shows."""
    if not product_ids:
        return {}
    found = Product.objects.filter(available=False).titles(product_ids)
    rest = product_ids - found.keys()
    return found | (Interaction.objects.titles_told_by_shop(shopper, rest) if shopper and rest else {})
