"""From the shop's rows to the arrays that training reads."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from ..ml.baselines import count_items
from ..ml.cleaning import ABOUT, KIND, DataReport, OrderLine, came_back, clean
from ..ml.interactions import InteractionLog
from ..ml.kinds import Kind
from ..ml.sequences import Queries
from ..ml.text import QueryIndex, Words, build_index
from ..ml.vocabulary import Vocabulary
from ..models import Interaction, Product, Shopper
from ..models.interaction import InteractionQuerySet
from ..models.teaching import customers, everybody_teaches

# Shoppers whose events are read by one query.
AT_ONCE = 1_000


@dataclass(frozen=True, eq=False)
class ShopLog:
    """What a training learns from: the events, the products that have any, and what these and searches stand for."""

    log: InteractionLog
    vocabulary: Vocabulary
    index: QueryIndex
    texts: Sequence[str]  # of the products, item 1's first
    searches: Sequence[str]  # those of the log's queries
    report: DataReport = field(default_factory=DataReport)

    def words_before(self, time: int) -> Words:
        """The words of the products that were met before `time`, and what the searches stand for by these."""
        met = count_items(self.log.before(time).products(), len(self.texts))
        texts = [text if events else "" for text, events in zip(self.texts, met[1:].tolist(), strict=True)]
        index = build_index(texts, met)
        return Words(index, _queries(index, self.texts, self.searches))


def whole_catalog(read: ShopLog) -> tuple[Vocabulary, QueryIndex]:
    """The log's products by the numbers they have there, then all others that can be bought, and the words of both."""
    met, for_sale = set(read.vocabulary.product_ids), Product.objects.filter(available=True)
    others = [(product_id, text) for _, product_id, text in for_sale.described() if product_id not in met]
    product_ids, texts = zip(*others, strict=True) if others else ((), ())
    vocabulary = read.vocabulary.extended(product_ids)
    events = count_items(read.log.products(), len(vocabulary))
    return vocabulary, build_index([*read.texts, *texts], events)


def read_log(report: Callable[[float], None], until: int | None = None) -> ShopLog:
    """Every remembered event that training may use, up to the one with the primary key `until`.

    Read in parts; `report(share done)` is called after each.
    """
    counted, stored = DataReport(), Interaction.objects.all()
    if until is not None:
        stored = stored.filter(pk__lte=until)
    for cause, left_out in stored.not_for_training().items():
        counted.leave_out(cause, left_out)
    rows, searched = read_rows(stored, report, counted, until)
    shopper, about, kind, time = rows.T
    is_search = kind == Kind.SEARCH
    met, number = _in_order_met(about[~is_search], time[~is_search])
    product_ids, texts = _products(met)
    index = build_index(texts, np.bincount(number + 1, minlength=len(met) + 1).astype(np.float32))
    queries = _queries(index, texts, searched)
    item = np.zeros(len(rows), np.int64)
    item[~is_search] = number + 1
    matches = np.array([len(bag.items) > 0 for bag in queries.bags], bool)
    item[is_search] = np.where(matches[about[is_search]], len(met) + 1 + about[is_search], 0)
    names = np.array([0, *met.tolist(), *(crc32(query.encode("utf-8", "surrogatepass")) for query in searched)])
    log = InteractionLog.from_rows(shopper, item, kind, time, queries=queries, names=names)
    counted.leave_out("unmatched_searches", log.dropped)
    counted.kept = len(log)
    counted.one_event_shoppers = int(np.count_nonzero(np.diff(log.shopper_starts()) == 1))
    return ShopLog(log, Vocabulary(product_ids), index, texts, searched, counted)


def _in_order_met(products: np.ndarray, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(distinct primary keys, for each row its place among them), in the order in which they were first met.

    So what is first met later is behind, and changes no number of what was met before.
    """
    distinct, place = np.unique(products, return_inverse=True)
    first = np.full(len(distinct), np.iinfo(np.int64).max)
    np.minimum.at(first, place, time)
    order = np.argsort(first, kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(len(order))
    return distinct[order], number[place]


def _customers(until: int | None) -> QuerySet[Shopper]:
    """Who were customers when the event `until` was stored: a visitor who bought first since then was none."""
    if until is None:
        return customers()
    mine = Interaction.objects.filter(shopper=OuterRef("pk"), kind=Kind.PURCHASE, pk__lte=until)
    had_bought = Exists(mine.exclude(source=Interaction.Source.BEACON).order_by())
    return customers().filter(Q(user__isnull=False) | Q(external_id__isnull=False) | had_bought)


def read_rows(
    stored: InteractionQuerySet, report: Callable[[float], None], counted: DataReport, until: int | None = None
) -> tuple[np.ndarray, list[str]]:
    """int64 (N, 4): shopper, product or number of the search, kind, epoch seconds; and the texts of the searches."""
    everybody = everybody_teaches()
    teachers = Shopper.objects.all() if everybody else _customers(until)
    shoppers = list(teachers.order_by("pk").values_list("pk", flat=True))
    if len(shoppers) < Shopper.objects.count():
        of_customers = Exists(_customers(until).filter(pk=OuterRef("shopper")))
        counted.leave_out("visitors", stored.for_training().filter(~of_customers).count())
    returners = set(stored.filter(kind=Kind.RETURN).order_by().values_list("shopper_id", flat=True).distinct())
    staff, now = Shopper.objects.staff(), int(timezone.now().timestamp())
    chunks, searched = [np.zeros((0, 4), np.int64)], dict[str, int]()
    for start in range(0, len(shoppers), AT_ONCE):
        some = shoppers[start : start + AT_ONCE]
        known = stored.of_shoppers(some).for_training_of(some[0], some[-1])
        # Read to the end before anything is reported: on SQLite a report, which writes, fails beside an open read as
        # soon as the heartbeat has written too.
        met = np.concatenate([np.zeros((0, 4), np.int64), *known.arrays()])
        about_none = met[:, ABOUT] == 0
        searches = list(known.searches()) if about_none.any() else []
        returned = _returned(stored, returners.intersection(some))
        found = [
            (shopper, searched.setdefault(query, len(searched)), kind, time)
            for shopper, query, kind, time in searches
            if query.strip()
        ]
        met = met[~about_none]
        whole = met[:, KIND] != Kind.SEARCH  # a search is for words, not for a product
        counted.leave_out("broken", len(met) - np.count_nonzero(whole) + len(searches) - len(found))
        together = np.concatenate((met[whole], np.array(found, np.int64).reshape(-1, 4)))
        chunks.append(clean(together, counted, now, staff, returned))
        report((start + len(some)) / len(shoppers))
    return np.concatenate(chunks), list(searched)


def _returned(stored: InteractionQuerySet, returners: Collection[int]) -> list[OrderLine]:
    """The purchases that came back."""
    if not returners:
        return []
    events = stored.remembered().filter(shopper__personalised=True, shopper_id__in=returners)
    given_back = events.filter(kind=Kind.RETURN, product__isnull=False).order_by().values("product_id")
    bought = events.filter(product_id__in=given_back).order_lines(Kind.PURCHASE)
    return came_back(events.order_lines(Kind.RETURN), bought)


def _products(primary_keys: np.ndarray) -> tuple[Sequence[str], Sequence[str]]:
    """The id and the words of each."""
    known = {pk: told for pk, *told in Product.objects.described()}
    met = [known[key] for key in primary_keys.tolist()]
    product_ids, texts = zip(*met, strict=True) if met else ((), ())
    return product_ids, texts


def _queries(index: QueryIndex, texts: Sequence[str], searches: Sequence[str]) -> Queries:
    return Queries(len(texts) + 1, [index.bag(query) for query in searches])
