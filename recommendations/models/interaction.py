from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import numpy as np
from django.db import connections, models, router
from django.db.models import Exists, F, Func, OuterRef, Q, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..ml.kinds import SEQUENCE_KINDS, Kind
from .fresh import FreshQuerySet
from .inserting import NewInteractions, insert_new
from .postgresql import packed_numbers
from .removal import RemovedProduct
from .shopper import Shopper
from .written import SOMEBODY, WrittenSelect

MAX_QUERY = 255
# Events read together have ids of one such range: their bytes are one value, which PostgreSQL limits to 1 GB.
BLOCK = 15_000_000


class Epoch(Func):
    """Whole seconds since 1970, computed in SQL: building datetimes in Python costs three times the scan."""

    output_field = models.BigIntegerField()

    def as_sql(self, compiler, connection, **context):  # type: ignore[no-untyped-def]
        return super().as_sql(
            compiler, connection, template="FLOOR(DATE_PART('epoch', %(expressions)s))::bigint", **context
        )

    def as_sqlite(self, compiler, connection, **context):  # type: ignore[no-untyped-def]
        return super().as_sql(
            compiler, connection, template="CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)", **context
        )


class InteractionQuerySet(FreshQuerySet["Interaction"]):
    def remembered(self) -> "InteractionQuerySet":
        """Without what shoppers removed. Serving, training and facts start here.

        Only an export tells what was removed and is not deleted yet.
        """
        return self.filter(~Exists(RemovedProduct.objects.covering()))

    def newest(self, limit: int) -> list[tuple[str | None, int, datetime, str]]:
        """(product_id, kind, occurred_at, query) of the newest events, newest first; a search has no product."""
        return list(self._newest(limit))

    def newest_of(self, shopper: int, limit: int) -> Sequence[Sequence[Any]]:
        """What newest() gives of the remembered events of the shopper with this primary key."""
        return _newest_of_somebody(limit).rows(self.db, shopper)

    def _newest(self, limit: int) -> models.QuerySet[Any, Any]:
        rows = self.order_by("-occurred_at", "-pk")[:limit]
        return rows.values_list("product__product_id", "kind", "occurred_at", "query")

    def without(self, product_ids: Collection[str], queries: Collection[str]) -> "InteractionQuerySet":
        """As if these products had never been met, and these searches never made."""
        rows = self.exclude(product__product_id__in=product_ids) if product_ids else self
        return rows.exclude(product=None, query__in=queries) if queries else rows

    def bought(self) -> dict[str, datetime]:
        """product_id -> when it was last bought, of what did not come back since."""
        rows = self.filter(kind__in=(Kind.PURCHASE, Kind.RETURN)).order_by().values_list("product__product_id")
        last, returned = (
            models.Max("occurred_at", filter=models.Q(kind=kind)) for kind in (Kind.PURCHASE, Kind.RETURN)
        )
        found = rows.annotate(last=last, returned=returned)
        return {key: at for key, at, back in found if at is not None and (back is None or at > back)}

    def insert_new(self, rows: NewInteractions) -> int:
        """Store rows in one INSERT, but those whose (shopper, event_key) is there; returns how many are new.

        Of shoppers who opted out, and from before an erasure, none is stored: what is so is asked in the INSERT itself.
        """
        return insert_new(self.model._meta.db_table, Shopper._meta.db_table, rows, router.db_for_write(self.model))

    def units(self) -> Iterator[tuple[str | None, str, int, datetime]]:
        """(product_id, query, kind, occurred_at), newest first, streamed."""
        rows = self.order_by("-occurred_at", "-pk")
        return rows.values_list("product__product_id", "query", "kind", "occurred_at").iterator()

    def titles_told_by_shop(self, shopper: Shopper, product_ids: Collection[str]) -> dict[str, str]:
        """product_id -> title (the id where there is none) of those that the shop, not a browser, said were met."""
        rows = self.filter(shopper=shopper, product__product_id__in=product_ids)
        rows = rows.exclude(source=Interaction.Source.BEACON)
        told = rows.order_by().values_list("product__product_id", "product__title").distinct()
        return {product_id: title or product_id for product_id, title in told}

    def hand_over(self, owner: Any) -> None:
        """Make these events the owner's; deleted is what the owner has already or had erased, and all if opted out."""
        if not owner.personalised:
            self.delete()
            return
        owners = Interaction.objects.filter(shopper=owner, event_key=OuterRef("event_key"))
        self.filter(Exists(owners)).delete()
        if owner.erased_at is not None:
            self.filter(occurred_at__lte=owner.erased_at).delete()
        self.update(shopper=owner)

    def for_training(self) -> "InteractionQuerySet":
        """Remembered events of shoppers who did not opt out."""
        return self.remembered().filter(kind__in=SEQUENCE_KINDS, shopper__personalised=True)

    def not_for_training(self) -> dict[str, int]:
        """How many events for_training() leaves out, by cause; one that has several counts for the first."""
        counts = self.order_by().values_list("shopper__personalised", "kind").annotate(rows=models.Count("pk"))
        found = {"opted_out": 0, "other_kinds": 0}
        for personalised, kind, rows in counts:
            if not personalised:
                found["opted_out"] += rows
            elif kind not in SEQUENCE_KINDS:
                found["other_kinds"] += rows
        of_removers = self.filter(kind__in=SEQUENCE_KINDS, shopper__personalised=True)
        of_removers = of_removers.filter(shopper__in=RemovedProduct.objects.values("shopper"))
        return found | {"removed": of_removers.filter(Exists(RemovedProduct.objects.covering())).count()}

    def newest_key(self) -> int:
        """The primary key of the event that was stored last, 0 when there is none."""
        return self.order_by("-pk").values_list("pk", flat=True).first() or 0

    def order_lines(self, kind: Kind) -> list[tuple[int, int, int, int]]:
        """(shopper, product, quantity, epoch seconds) of the events of one kind."""
        rows = self.filter(kind=kind, product__isnull=False).annotate(epoch=Epoch(F("occurred_at")))
        return list(rows.order_by().values_list("shopper_id", "product_id", "quantity", "epoch"))

    def of_shoppers(self, keys: Sequence[int]) -> "InteractionQuerySet":
        """Those of the shoppers with these primary keys, ascending."""
        rows = self.filter(shopper_id__gte=keys[0], shopper_id__lte=keys[-1])
        if len(keys) == keys[-1] - keys[0] + 1:
            return rows
        if connections[self.db].vendor != "postgresql":
            return rows.filter(shopper_id__in=keys)
        # One parameter: a thousand take longer to write down than the rows to read.
        among = f"{self.model._meta.db_table}.shopper_id = ANY(%s)"
        return rows.filter(RawSQL(among, [list(keys)], models.BooleanField()))  # noqa: S611 # nosec B611

    def for_training_of(self, first: int, last: int) -> "InteractionQuerySet":
        """for_training(), of the shoppers with these primary keys, asked so that a row costs less.

        Few opt out or remove anything: they are looked up once, not joined to every row.
        """
        those = Q(shopper_id__gte=first, shopper_id__lte=last)
        opted_out = Shopper.objects.filter(pk__range=(first, last), personalised=False).values("pk")
        removers = RemovedProduct.objects.filter(those).values("shopper_id")
        rows = self.filter(those, kind__in=SEQUENCE_KINDS).exclude(shopper_id__in=opted_out)
        return rows.filter(~Q(shopper_id__in=removers) | ~Exists(RemovedProduct.objects.covering()))

    def rows(self, chunk: int = 50_000) -> Iterator[tuple[int, int, int, int]]:
        """(shopper, product, kind, epoch seconds) of what was done with products, by shopper and time, streamed."""
        return self.filter(product__isnull=False)._timed("product_id", chunk)

    def arrays(self) -> Iterator[np.ndarray]:
        """(shopper, product or 0 where there is none, kind, epoch seconds) as int64 (N, 4) blocks, in any order."""
        connection = connections[self.db]
        rows = self.annotate(about=Coalesce("product_id", 0), epoch=Epoch(F("occurred_at"))).order_by()
        numbers = "shopper_id", "about", "kind", "epoch"
        if connection.vendor != "postgresql":
            yield np.array(list(rows.values_list(*numbers)), np.int64).reshape(-1, 4)
            return
        # Telling blocks apart takes a sort.
        block = F("id") / BLOCK if Interaction.objects.newest_key() >= BLOCK else Value(0)
        rows = rows.annotate(block=block).values_list(*numbers, "block")
        with connection.cursor() as cursor:
            yield from packed_numbers(cursor, *rows.query.get_compiler(self.db).as_sql(), columns=4)

    def searches(self, chunk: int = 50_000) -> Iterator[tuple[int, str, int, int]]:
        """(shopper, query, kind, epoch seconds) of the searches, by shopper and time, streamed."""
        return self.filter(product=None)._timed("query", chunk)

    def _timed(self, about: str, chunk: int) -> Iterator[tuple[int, Any, int, int]]:
        rows = self.annotate(epoch=Epoch(F("occurred_at"))).order_by("shopper_id", "occurred_at")
        return rows.values_list("shopper_id", about, "kind", "epoch").iterator(chunk_size=chunk)


@cache
def _newest_of_somebody(limit: int) -> WrittenSelect:
    return WrittenSelect(lambda: Interaction.objects.remembered().filter(shopper=SOMEBODY)._newest(limit))


class Interaction(models.Model):
    """One thing that a shopper did. Lines of one order share the exact `occurred_at`."""

    class KindChoice(models.IntegerChoices):
        VIEW = Kind.VIEW, _("view")
        SEARCH = Kind.SEARCH, _("search")
        SAVE = Kind.SAVE, _("save")
        ADD_TO_CART = Kind.ADD_TO_CART, _("add_to_cart")
        REMOVE_FROM_CART = Kind.REMOVE_FROM_CART, _("remove_from_cart")
        PURCHASE = Kind.PURCHASE, _("purchase")
        RETURN = Kind.RETURN, _("return")

    class Source(models.IntegerChoices):
        BEACON = 1, _("beacon")
        SERVER = 2, _("server")
        IMPORT = 3, _("import")

    id = models.BigAutoField(primary_key=True)
    # No index of their own: (shopper, -occurred_at) serves the first, nothing looks up events by product.
    shopper = models.ForeignKey("recommendations.Shopper", on_delete=models.CASCADE, db_index=False, related_name="+")
    product = models.ForeignKey(
        "recommendations.Product", on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    kind = models.PositiveSmallIntegerField(_("kind"), choices=KindChoice.choices)
    source = models.PositiveSmallIntegerField(_("source"), choices=Source.choices)
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    query = models.CharField(max_length=MAX_QUERY, default="", blank=True)
    occurred_at = models.DateTimeField(_("occurred at"), default=timezone.now)
    list_id = models.BigIntegerField(_("list id"), null=True)
    event_key = models.BigIntegerField()

    objects = InteractionQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("interaction")
        verbose_name_plural = _("interactions")
        constraints = [
            models.UniqueConstraint(fields=["shopper", "event_key"], name="recommendations_event_once"),
            models.CheckConstraint(
                condition=Q(product__isnull=False) | Q(kind=Kind.SEARCH.value), name="recommendations_product_or_search"
            ),
        ]
        indexes = [models.Index(fields=["shopper", "-occurred_at"], name="recommendations_history")]

    def __str__(self) -> str:
        words = gettext("%(kind)s by shopper %(number)s")
        return words % {"kind": self.get_kind_display(), "number": self.shopper_id}
