"""Public data sets as a recommender reads them: a past to train on, and histories whose next events it never saw."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.data_files import LAST, LAST_BUT_ONE, DataSet, read_data
from benchmarks.packed import open_text
from recommendations.ml.baselines import count_items
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.scorer import Scorer
from recommendations.ml.splitting import HeldOut, hold_out
from recommendations.ml.text import NO_INDEX, QueryIndex, build_index
from recommendations.ml.training.export import write_artifact, write_manifest
from recommendations.ml.training.fit import fit
from recommendations.ml.training.judge import protocols
from recommendations.ml.training.mixing import MixSearch
from recommendations.ml.training.network import Network
from recommendations.ml.training.parity import check_parity
from recommendations.ml.training.settings import TrainingSettings, plan
from recommendations.ml.training.tables import build_tables
from recommendations.ml.vocabulary import Vocabulary


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


def read_shop(file: Path | str) -> PublicShop:
    """The shop in `file`, see data_files.py.

    Without times the last product of everybody is held out and the last but one chooses the weights; with times what
    comes from the first of the month before the last row's is held out, and the month before that chooses.
    """
    data = read_data(file)
    moments = _two_months(data.log) if data.has_times else (LAST_BUT_ONE, LAST)
    return PublicShop(data.log, Vocabulary(data.names), *moments)


def _two_months(log: InteractionLog) -> tuple[int, int]:
    last = datetime.fromtimestamp(int(log.time.max()), UTC)
    months = [divmod(12 * last.year + last.month - 1 - back, 12) for back in (2, 1)]
    chosen, explained = (int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp()) for year, month in months)
    return chosen, explained


def read_categories(data: DataSet, items: str | None) -> np.ndarray | None:
    """(n+1) a number for each item's category, 0 = none: two levels of `items`, or the data's own; None without any."""
    if items is not None:
        rows = read_items(items)
        found = [" > ".join(rows.get(name, {}).get("categories", "").split(" > ")[:2]) for name in data.names]
    else:
        found = list(data.categories or ())
    if not any(found):
        return None
    _, numbers = np.unique(["", "", *found], return_inverse=True)  # "" sorts first: 0
    return numbers[1:]


def read_texts(items: str | Path, names: Sequence[str]) -> list[str]:
    """Brand and categories of each product in `items`, item 1 first; "" of one that it does not have."""
    rows = read_items(items)
    told = [rows.get(name, {}) for name in names]
    return [f"{row.get('brand', '').replace('Unknown', '')} {row.get('categories', '')}".strip() for row in told]


def index_before(texts: Sequence[str], log: InteractionLog, time: int) -> QueryIndex:
    """The words of the products that were met before `time`, as a shop's training knows them then."""
    met = count_items(log.before(time).products(), len(texts))
    return build_index([text if events else "" for text, events in zip(texts, met[1:].tolist(), strict=True)], met)


def read_items(items: str | Path) -> dict[str, dict[str, str]]:
    """The rows of a file with item_id, brand and categories (tab-separated), by item_id; a cell that is missing is "".

    ValueError where it begins otherwise.
    """
    with open_text(Path(items)) as stream:
        head = stream.readline()
        columns = head.rstrip("\r\n").split("\t")
        if not {"item_id", "brand", "categories"} <= set(columns):
            expected = "item_id, brand and categories, tab-separated"
            raise ValueError(f"{items} begins with {head[:60]!r}: expected columns {expected}")
        rows = csv.DictReader(stream, columns, restval="", delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["item_id"]: row for row in rows}


def fit_recommender(
    shop: PublicShop,
    directory: Path,
    settings: TrainingSettings,
    deletion: float | None = None,
    texts: Sequence[str] = (),
) -> Fitted:
    """Fit as a training fits what it judges, and write the artifact that serving and the reference path read.

    `deletion` is the share of events left out in a pass, if not the usual; `texts` the words of the products.
    """
    past, until = shop.log.before(shop.choose_from), shop.log.before(shop.explain_from)
    index = index_before(texts, shop.log, shop.choose_from) if texts else NO_INDEX
    tables = build_tables(past, len(shop.vocabulary), shop.choose_from, index)
    chosen = plan(len(past), past.products_met(), settings)
    how = chosen.fit if deletion is None else replace(chosen.fit, deletion=deletion)
    network = fit(past, tables, chosen.steps, how, lambda share: None)
    asked, _ = protocols(hold_out(until, shop.choose_from, settings.shoppers_judged), settings.shoppers_needed)
    mix = MixSearch(network, tables, [protocol.halves()[0] for protocol in asked]).best(lambda share: None)
    score = mix.score_of(network, tables)
    manifest = write_artifact(directory, network, score, tables, shop.vocabulary, settings)
    histories = list(shop.held_out().histories[:20])
    eps = check_parity(directory, histories, lambda share: None)["eps"]
    write_manifest(directory, type(manifest)(**{**vars(manifest), "eps": eps}))
    return Fitted(network, Scorer.open(directory), tables.popularity, tables.trained_kinds)
