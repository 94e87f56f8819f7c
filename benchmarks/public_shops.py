"""Public data sets as a recommender reads them: a past to train on, and histories whose next events it never saw."""

import csv
import gzip
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.online_retail import PRODUCT, code_of, read_rows
from recommendations.ml.attributes import Codes, code_table, codes_of
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.scorer import Scorer
from recommendations.ml.splitting import HeldOut, hold_out
from recommendations.ml.training.fit import fit
from recommendations.ml.training.judge import protocols
from recommendations.ml.training.mixing import MixSearch
from recommendations.ml.training.network import Network
from recommendations.ml.training.parity import check_parity
from recommendations.ml.training.pipeline import write_artifact, write_manifest
from recommendations.ml.training.settings import TrainingSettings, plan
from recommendations.ml.training.tables import build_tables
from recommendations.ml.vocabulary import Vocabulary

LAST, LAST_BUT_ONE = 2_000_000, 1_000_000


@dataclass(frozen=True, eq=False)
class PublicShop:
    """Everything before `choose_from` trains, what comes until `explain_from` chooses the weights of the mix."""

    log: InteractionLog
    vocabulary: Vocabulary
    choose_from: int
    explain_from: int

    def held_out(self) -> HeldOut:
        """The shoppers whose lists are explained, with everything they did before `explain_from`."""
        return hold_out(self.log, self.explain_from)

    def events_of_items(self) -> np.ndarray:
        """(n+1): how often each item was bought in the past that trains."""
        return np.bincount(self.log.before(self.choose_from).item, minlength=len(self.vocabulary) + 1)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted recommender in every form that is measured."""

    network: Network
    scorer: Scorer
    popularity: np.ndarray
    trained_kinds: tuple[int, ...]


def read_shop(file: Path) -> PublicShop:
    """The shop in `file`: Online Retail II, or one shopper a line (`user item item ...`, oldest first)."""
    return _online_retail(file) if file.name.startswith("online_retail") else _sequences(file)


def read_categories(data: str, items: str | None, n: int) -> np.ndarray | None:
    """(n+1) a number for each item's category, 0 = none: two levels of `items`, or Tools' own; None where unknown."""
    if Path(data).name.startswith("Tools"):
        with gzip.open(data, "rt", newline="") as stream:
            of_item = {row["item_id"]: row["category"] for row in csv.DictReader(stream)}
        found = [of_item[name] for name in sorted(of_item)]
    elif items is not None:
        with gzip.open(items, "rt", newline="") as stream:
            rows = {
                int(r["item_id"]): r["categories"]
                for r in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
            }
        found = [" > ".join(rows.get(item, "").split(" > ")[:2]) for item in range(1, n + 1)]
    else:
        return None
    _, numbers = np.unique(["", "", *found], return_inverse=True)  # "" sorts first: 0
    return numbers[1:]


def read_codes(items: str | None, n: int) -> np.ndarray | None:
    """int64 (F, n+1): the attribute codes of brand and category path in `items`; None without it."""
    if items is None:
        return None
    with gzip.open(items, "rt", newline="") as stream:
        rows = {int(r["item_id"]): r for r in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)}
    return code_table(_codes(rows.get(item, {})) for item in range(1, n + 1))


def _codes(row: Mapping[str, str]) -> Codes:
    brand, path = row.get("brand", ""), row.get("categories", "")
    return codes_of("" if brand == "Unknown" else brand, path.split(" > ") if path else [])


def _sequences(file: Path) -> PublicShop:
    """There are no times: the last item of everybody is held out, the last but one chooses the weights."""
    rows = []
    with gzip.open(file, "rt") as stream:
        for line in stream:
            shopper, *items = map(int, line.split())
            times = [*range(len(items) - 2), LAST_BUT_ONE, LAST]
            rows += [(shopper, item, time) for item, time in zip(items, times, strict=True)]
    shopper, item, time = np.array(rows).T
    log = InteractionLog.from_rows(shopper, item, np.full(len(rows), Kind.PURCHASE), time)
    return PublicShop(log, Vocabulary([str(k) for k in range(1, item.max() + 1)]), LAST_BUT_ONE, LAST)


def _online_retail(file: Path) -> PublicShop:
    """Sales of products to known customers; October chooses the weights, what is bought from November is held out."""
    sales = [row for row in read_rows(file) if row["customer_id"] and float(row["price"]) > 0]
    sales = [row for row in sales if float(row["quantity"]) > 0 and PRODUCT.match(code_of(row))]
    vocabulary = Vocabulary(sorted({code_of(row) for row in sales}))
    time = [int(datetime.fromisoformat(row["invoice_date"]).replace(tzinfo=UTC).timestamp()) for row in sales]
    shopper = [int(float(row["customer_id"])) for row in sales]
    item = vocabulary.numbers(code_of(row) for row in sales)
    log = InteractionLog.from_rows(shopper, item, np.full(len(sales), Kind.PURCHASE), time)
    return PublicShop(log, vocabulary, *(int(datetime(2010, month, 1, tzinfo=UTC).timestamp()) for month in (10, 11)))


def fit_recommender(
    shop: PublicShop,
    directory: Path,
    settings: TrainingSettings,
    deletion: float | None = None,
    codes: np.ndarray | None = None,
) -> Fitted:
    """Fit as a training fits what it judges, and write the artifact that serving and the reference path read.

    `deletion` is the share of events left out in a pass, if not the usual; `codes` those of brands and categories.
    """
    past, until = shop.log.before(shop.choose_from), shop.log.before(shop.explain_from)
    tables = build_tables(past, len(shop.vocabulary), shop.choose_from, codes)
    chosen = plan(len(past), len(shop.vocabulary), settings)
    how = chosen.fit if deletion is None else replace(chosen.fit, deletion=deletion)
    network = fit(past, tables, chosen.steps, how, lambda share: None)
    asked, _ = protocols(hold_out(until, shop.choose_from, settings.shoppers_judged), settings.shoppers_needed)
    mix = MixSearch(network, tables, asked).best(lambda share: None)
    score = mix.score_of(network, tables)
    manifest = write_artifact(directory, network, score, tables, shop.vocabulary, settings)
    histories = list(shop.held_out().histories[:20])
    eps = check_parity(directory, histories, lambda share: None)["eps"]
    write_manifest(directory, type(manifest)(**{**vars(manifest), "eps": eps}))
    return Fitted(network, Scorer.open(directory), tables.popularity, tables.trained_kinds)
