"""From the shop's rows to the arrays that training reads."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from django.utils import timezone

from ..ml.cleaning import KIND, DataReport, OrderLine, came_back, clean
from ..ml.interactions import InteractionLog
from ..ml.kinds import Kind
from ..ml.sequences import Queries
from ..ml.text import QueryIndex, build_index
from ..ml.vocabulary import Vocabulary
from ..models import Interaction, Product, Shopper
from ..models.interaction import InteractionQuerySet
from ..models.teaching import customers, everybody_teaches

# Shoppers whose events are read by one query.
AT_ONCE = 1_000


@dataclass(frozen=True, eq=False)
class ShopLog:
    """What a training learns from: the events, the products that have any, and what searches stand for."""

    log: InteractionLog
    vocabulary: Vocabulary
    index: QueryIndex
    report: DataReport = field(default_factory=DataReport)


def read_log(report: Callable[[float], None], until: int | None = None) -> ShopLog:
    """Every remembered event that training may use, up to the one with the primary key `until`.

    Read in parts; `report(share done)` is called after each.
    """
    counted, stored = DataReport(), Interaction.objects.all()
    if until is not None:
        stored = stored.filter(pk__lte=until)
    for cause, left_out in stored.not_for_training().items():
        counted.leave_out(cause, left_out)
    rows, searched = read_rows(stored, report, counted)
    shopper, about, kind, time = rows.T
    is_search = kind == Kind.SEARCH
    met, number = np.unique(about[~is_search], return_inverse=True)  # ascending: the oldest product is item 1
    vocabulary, index = _products(met)
    bags = [index.bag(query) for query in searched]
    item = np.zeros(len(rows), np.int64)
    item[~is_search] = number + 1
    matches = np.array([len(bag.items) > 0 for bag in bags], bool)
    item[is_search] = np.where(matches[about[is_search]], len(met) + 1 + about[is_search], 0)
    log = InteractionLog.from_rows(shopper, item, kind, time, queries=Queries(len(met) + 1, bags))
    counted.leave_out("unmatched_searches", log.dropped)
    counted.kept = len(log)
    counted.one_event_shoppers = int(np.count_nonzero(np.diff(log.shopper_starts()) == 1))
    return ShopLog(log, vocabulary, index, counted)


def read_rows(
    stored: InteractionQuerySet, report: Callable[[float], None], counted: DataReport
) -> tuple[np.ndarray, list[str]]:
    """int64 (N, 4): shopper, product or number of the search, kind, epoch seconds; and the texts of the searches."""
    everybody = everybody_teaches()
    teachers = Shopper.objects.all() if everybody else customers()
    if not everybody:
        counted.leave_out("visitors", stored.for_training().exclude(shopper__in=customers().values("pk")).count())
    shoppers = list(teachers.order_by("pk").values_list("pk", flat=True))
    staff, now = Shopper.objects.staff(), int(timezone.now().timestamp())
    chunks, searched = [np.zeros((0, 4), np.int64)], dict[str, int]()
    for start in range(0, len(shoppers), AT_ONCE):
        some = shoppers[start : start + AT_ONCE]
        of_some = stored.filter(shopper_id__gte=some[0], shopper_id__lte=some[-1])
        known = stored.for_training_of(some[0], some[-1])
        if not everybody:
            of_some, known = (events.filter(shopper_id__in=some) for events in (of_some, known))
        # Read to the end before anything is reported: on SQLite a report, which writes, fails beside an open read as
        # soon as the heartbeat has written too.
        met = np.concatenate([np.zeros((0, 4), np.int64), *known.arrays()])
        searches = list(known.searches())
        returned = _returned(of_some.remembered().filter(shopper__personalised=True))
        found = [
            (shopper, searched.setdefault(query, len(searched)), kind, time)
            for shopper, query, kind, time in searches
            if query.strip()
        ]
        whole = met[:, KIND] != Kind.SEARCH  # a search is for words, not for a product
        counted.leave_out("broken", len(met) - np.count_nonzero(whole) + len(searches) - len(found))
        together = np.concatenate((met[whole], np.array(found, np.int64).reshape(-1, 4)))
        chunks.append(clean(together, counted, now, staff, returned))
        report((start + len(some)) / len(shoppers))
    return np.concatenate(chunks), list(searched)


def _returned(events: InteractionQuerySet) -> list[OrderLine]:
    """The purchases that came back."""
    returns = events.order_lines(Kind.RETURN)
    if not returns:
        return []
    of_returners = events.filter(shopper_id__in={shopper for shopper, *_ in returns})
    given_back = of_returners.filter(kind=Kind.RETURN, product__isnull=False).order_by().values("product_id")
    return came_back(returns, of_returners.filter(product_id__in=given_back).order_lines(Kind.PURCHASE))


def _products(primary_keys: np.ndarray) -> tuple[Vocabulary, QueryIndex]:
    known = {pk: (product_id, words) for pk, product_id, words in Product.objects.searchable()}
    met = [known[key] for key in primary_keys.tolist()]
    return Vocabulary([product_id for product_id, _ in met]), build_index([words for _, words in met])
