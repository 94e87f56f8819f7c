"""What is withheld is known to nobody who trains, and a hit is a hit in the scorer's own numbers."""

from dataclasses import dataclass

import numpy as np

from benchmarks.cold import scored, withhold
from benchmarks.public_shops import PublicShop
from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kinds import Kind
from recommendations.ml.sequences import History
from recommendations.ml.vocabulary import Vocabulary

N = 40


def shop():
    rng = np.random.default_rng(0)
    rows = [(shopper, int(item), time) for shopper in range(9) for time, item in enumerate(rng.permutation(N)[:8] + 1)]
    shopper, item, time = np.array(rows).T
    log = InteractionLog.from_rows(shopper, item, np.full(len(rows), Kind.PURCHASE), time)
    return PublicShop(log, Vocabulary([str(k) for k in range(1, N + 1)]), 6, 7)


def test_withheld_products_come_last_and_leave_no_event():
    whole, found = shop(), withhold(shop(), [f"text {k}" for k in range(1, N + 1)], seed=3)
    assert (len(found.shop.vocabulary), len(found.known.vocabulary)) == (N, N - 2)
    assert found.shop.vocabulary.product_ids[: N - 2] == found.known.vocabulary.product_ids
    assert found.known.log.item.max() <= N - 2
    assert len(found.known.log) == np.count_nonzero(found.shop.log.item <= N - 2) < len(whole.log)
    names = [f"text {product_id}" for product_id in found.shop.vocabulary.product_ids]
    assert list(found.texts) == names
    # the same events under other numbers
    renamed = [int(found.shop.vocabulary.product_id(item)) for item in found.shop.log.item.tolist()]
    assert sorted(renamed) == sorted(whole.log.item.tolist())


@dataclass
class Bias:
    bias: np.ndarray


class Falling:
    """Item k of 30 scores -k; the last number of the shop is not known to it."""

    score = Bias(np.zeros(31))

    def scores(self, histories):
        row = -np.arange(31, dtype=np.float32)
        row[0] = -np.inf
        return np.tile(row, (len(histories), 1))


def test_what_is_unknown_is_a_miss_and_what_was_met_is_out():
    number = np.append(np.arange(31), 0)
    histories = [History.of([1, 31], [6, 6]), History.of([31], [6]), History.of([2], [6])]
    found = scored(Falling(), histories, np.array([2, 3, 0]), number)
    # first of what is left; nothing is known of the second; the third's product is unknown
    assert found == {"hr@20": 1 / 3, "ndcg@10": 1 / 3, "shoppers": 3}
