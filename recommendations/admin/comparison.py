"""A version's metrics and data as people read them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.formats import date_format, number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ..models.recommender_version import best_baseline

METHODS = {
    "recommender": _("This recommender"),
    "network": _("Its network alone"),
    "current_version": _("The version before, by its judged fit"),
    "learned": _("What was learned, not good enough"),
    "counted": _("What can be counted"),
    "popularity": _("Most popular"),
    "recent_popularity": _("Popular lately"),
    "item_neighbours": _("Item neighbours"),
    "next_item_table": _("Next-item table"),
    "bought_before": _("Bought before"),
}
PROTOCOLS = {
    "repeats_allowed": _("Everything a shopper turned to, known products too"),
    "new_products": _("Products the shopper had never met"),
}
COUNTS = {"interactions": _("Interactions"), "shoppers": _("Shoppers"), "products": _("Products")}
TIMES = {"first": _("From"), "last": _("To"), "cutoff": _("Judged on what came from")}
# Why events were left out of a training, in the order of ml.cleaning.CAUSES.
CAUSES = {
    "opted_out": _("Of shoppers who switched personalisation off"),
    "other_kinds": _("Returns, and what was taken out of a cart"),
    "removed": _("Removed by the shopper"),
    "visitors": _("Of visitors, once there are customers enough"),
    "broken": _("Broken: a search without words, or with a product"),
    "clock": _("Clock errors: before 1990, or in the future"),
    "staff": _("What the shop's own people looked at"),
    "bots": _("Bots: more than 600 views and searches in an hour"),
    "duplicates": _("The same once more in the same second"),
    "returned": _("Purchases that came back"),
    "too_long": _("Beyond a shopper's newest 5,000"),
    "unmatched_searches": _("Searches for words that no product has"),
}
# What is taken from another shopper to see what it is worth.
PARTS = {
    "network": _("What the network says"),
    "table": _("What the next-item table says"),
    "repeats": _("What was bought before"),
    "kinds": _("Kinds of event (viewed, bought ...)"),
    "order": _("The order of events"),
}
LEADING = "ndcg@10"
# In a refusal names stand after "of", before a colon, or have an underscore; "the recommender" is no name there.
NAMES = re.compile(r"(?<=\bof )[a-z]+\b|\b[a-z]+(?=:)|\b[a-z]+_[a-z_]+\b")

Metrics = Mapping[str, Mapping[str, Mapping[str, float]]]


@dataclass(frozen=True)
class Cell:
    value: float
    is_best: bool


@dataclass(frozen=True)
class Row:
    """One method's values."""

    name: str
    is_ours: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """One question put to every method."""

    title: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Lead:
    """The recommender beside the best baseline."""

    ours: float
    best: float
    baseline: str


def tables(metrics: Metrics, shoppers: Mapping[str, int]) -> list[Table]:
    """One table a protocol; the recommender first, the best value of each metric marked. `shoppers` were asked."""
    return [_table(protocol, methods, shoppers.get(protocol)) for protocol, methods in metrics.items() if methods]


def lead(metrics: Metrics) -> Lead | None:
    """NDCG@10 of the first protocol; None when nothing was measured."""
    for methods in metrics.values():
        ours, best = methods.get("recommender", {}).get(LEADING), best_baseline(methods, LEADING)
        if ours is not None and best is not None:
            return Lead(ours, best[1], METHODS.get(best[0], best[0]))
    return None


def refusal(error: str, is_fault: bool) -> str:
    """Why a version was rejected, with the words of the tables, and what to do: a small shop need not worry that a
    version is no better, but nobody may live with false reasons.
    """
    words = {name: f"“{label}”" for name, label in {**METHODS, **PROTOCOLS}.items()}
    told = NAMES.sub(lambda name: words.get(name[0], name[0]), error)
    if is_fault:
        advice = gettext(
            "More history does not mend this: it is a fault, please report it with these figures (docs/retraining.md)."
        )
    else:
        advice = gettext("With little history this is normal: import more, or try again later (docs/retraining.md).")
    return f"{told}\n{advice}" if told else advice


def facts(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a version was trained on; empty when it did not get as far as reading it."""
    told = [(label, number_format(data[name], force_grouping=True)) for name, label in COUNTS.items() if name in data]
    told += [(label, _day(data[name])) for name, label in TIMES.items() if name in data]
    told += _started(data.get("start", {})) + _beside(data.get("current", {}))
    total = data.get("seconds", {}).get("total")
    if total is None:
        return told
    seconds = number_format(round(total), force_grouping=True)
    return [*told, (_("Training took"), gettext("%(seconds)s s") % {"seconds": seconds})]


def _started(start: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Whether its fits began at the version before, and why not."""
    if not start:
        return []
    if "cold" in start:
        return [(_("Started from nothing"), start["cold"])]
    words = gettext("version %(number)s, %(new)s of the interactions are new")
    return [(_("Started from"), words % {"number": start["version"], "new": f"{start['new']:.1%}"})]


def _beside(current: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Its lead over the version before, on interactions that neither fit had seen, for each question."""
    label = gettext("NDCG@10 beside version %(number)s: %(question)s")
    words = gettext("%(lead)s (%(low)s to %(high)s), %(shoppers)s shoppers")
    told = []
    for protocol, found in current.items():
        if protocol != "version":
            figures = {name: f"{found[name]:+.4f}" for name in ("lead", "low", "high")}
            figures["shoppers"] = number_format(found["shoppers"], force_grouping=True)
            question = {"number": current["version"], "question": PROTOCOLS.get(protocol, protocol)}
            told.append((label % question, words % figures))
    return told


def importances(data: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """question -> (part, the NDCG@10 lost without it and its interval), what counts most first."""
    told = []
    for protocol, parts in data.get("importance", {}).items():
        order = sorted(parts, key=lambda part: -parts[part]["drop"])
        rows = [(str(PARTS.get(part, part)), _drop(parts[part])) for part in order]
        told.append((str(PROTOCOLS.get(protocol, protocol)), rows))
    return told


def _drop(found: Mapping[str, float]) -> str:
    return gettext("%(drop)s (%(low)s to %(high)s)") % {name: f"{found[name]:.4f}" for name in ("drop", "low", "high")}


def cleaning(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What became of the events that were read: all, those left out by cause, those kept; empty when none was told."""
    report = data.get("report")
    if not report:
        return []
    left_out = [(CAUSES.get(cause, cause), rows) for cause, rows in report["left_out"].items()]
    kept = _("Learned from"), report["kept"]
    alone = (
        _("of them the only event of a shopper: counted as popular, no order to learn"),
        report["one_event_shoppers"],
    )
    told = [(_("All events"), report["rows"]), *left_out, kept, alone]
    return [(label, number_format(rows, force_grouping=True)) for label, rows in told]


def _table(protocol: str, methods: Mapping[str, Mapping[str, float]], shoppers: int | None) -> Table:
    names = tuple(dict.fromkeys(metric for found in methods.values() for metric in found))
    best = {name: max(found.get(name, 0.0) for found in methods.values()) for name in names}
    order = [name for name in METHODS if name in methods] + [name for name in methods if name not in METHODS]
    rows = [
        Row(
            METHODS.get(method, method),
            method == "recommender",
            tuple(Cell(value, value == best[name]) for name in names for value in [methods[method].get(name, 0.0)]),
        )
        for method in order
    ]
    return Table(_title(protocol, shoppers), tuple(map(_metric_name, names)), tuple(rows))


def _title(protocol: str, shoppers: int | None) -> str:
    question = str(PROTOCOLS.get(protocol, protocol))
    if shoppers is None:
        return question
    words = ngettext("%(question)s (%(count)s shopper)", "%(question)s (%(count)s shoppers)", shoppers)
    return words % {"question": question, "count": number_format(shoppers, force_grouping=True)}


def _day(epoch: float) -> str:
    return date_format(datetime.fromtimestamp(epoch, UTC))


def _metric_name(name: str) -> str:
    word, _, k = name.partition("@")
    word = word.upper() if word in ("hr", "ndcg", "mrr", "f1") else word.capitalize()
    return f"{word}@{k}" if k else word
