"""Whom an audit asks for: real shoppers in a drawn order, and made-up visitors."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import chain, zip_longest

from django.db.models import Count, QuerySet
from django.utils import timezone

from ..ml.kinds import SEQUENCE_KINDS
from ..models import Interaction, Product, ProductPopularity, Shopper
from .shown_lists import visitor

# Lengths of history, in distinct products: (fewest, most).
STRATA = {"none": (0, 0), "1": (1, 1), "2-4": (2, 4), "5-9": (5, 9), "10-19": (10, 19), "20-50": (20, 50)}
BEYOND = "over 50"
# Half of the visitors meet only so many of the most popular products.
POPULAR = 500
# Shoppers whose histories are measured at a time.
AT_ONCE = 500
# Shoppers whose histories are measured at all: enough to find some of every length.
MEASURED = 3_000

# Whom to ask for: there while the context is open, and again the same in a second one.
Asking = Callable[[], AbstractContextManager[Shopper]]


def stratum(distinct: int) -> str:
    """The name of this length of history."""
    return next((name for name, (_, most) in STRATA.items() if distinct <= most), BEYOND)


def real_shoppers(draw: random.Random) -> list[Shopper]:
    """Everybody with a history who is shown personal lists, in a drawn order."""
    with_history = Interaction.objects.order_by().values_list("shopper_id", flat=True).distinct()
    real = list(_personal().filter(pk__in=with_history).order_by("pk"))
    draw.shuffle(real)
    return real


def stratified(draw: random.Random) -> Iterator[Shopper]:
    """Real shoppers with 1 to 50 distinct products: in turn one of each length of history, while there are any."""
    found: dict[str, list[int]] = {name: [] for name, (fewest, _) in STRATA.items() if fewest}
    drawn = list(_personal().order_by("pk").values_list("pk", flat=True))
    draw.shuffle(drawn)
    for start in range(0, min(len(drawn), MEASURED), AT_ONCE):
        for key, distinct in _distinct_products(drawn[start : start + AT_ONCE]):
            if stratum(distinct) in found:
                found[stratum(distinct)].append(key)
    for keys in found.values():
        draw.shuffle(keys)
    for key in filter(None, chain.from_iterable(zip_longest(*found.values()))):
        shopper = _personal().filter(pk=key).first()
        if shopper is not None:  # not gone meanwhile
            yield shopper


def visitors(draw: random.Random) -> Iterator[tuple[Asking, bool]]:
    """(whom, True) without end, none where nothing is for sale: half of them meet anything, half what is popular."""
    everything = list(Product.objects.filter(available=True).order_by("pk").values_list("pk", flat=True))
    popular = [row.product_id for row in ProductPopularity.objects.ranked(POPULAR)]
    pools = [everything, popular or everything]
    while everything:
        yield partial(_visitor, draw.choice(pools), draw.random()), True


def asking_for(shopper: Shopper) -> tuple[Asking, bool]:
    """(whom, False): a real shopper as one to ask for."""
    return partial(nullcontext, shopper), False


def _visitor(pool: list[int], seed: float) -> AbstractContextManager[Shopper]:
    return visitor(pool, timezone.now(), random.Random(seed))  # noqa: S311 - a sample # nosec B311


def _personal() -> QuerySet[Shopper]:
    return Shopper.objects.filter(personalised=True, merged_into=None)


def _distinct_products(shoppers: list[int]) -> list[tuple[int, int]]:
    rows = Interaction.objects.remembered().filter(shopper_id__in=shoppers, kind__in=SEQUENCE_KINDS)
    counted = rows.filter(product__isnull=False).order_by().values_list("shopper_id")
    return sorted(counted.annotate(distinct=Count("product_id", distinct=True)))
