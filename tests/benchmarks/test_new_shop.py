"""A shop that grows: who is asked is known to no stage, and a stage that the data does not allow is left out."""

import gzip

import numpy as np
import pytest

from benchmarks import new_shop
from benchmarks.new_shop import measure, ndcg_of, of_shoppers
from benchmarks.public_shops import read_shop
from recommendations.ml.splitting import hold_out

PRODUCTS = 40


@pytest.fixture
def files(tmp_path):
    """Shoppers who stay with the products of one of four brands."""
    rng, lines = np.random.default_rng(0), []
    for shopper in range(1, 201):
        items = rng.permutation(PRODUCTS // 4)[:5] * 4 + 1 + shopper % 4
        lines.append(" ".join(map(str, [shopper, *items.tolist()])))
    rows = [f"{item}\tbrand{item % 4}\t" for item in range(1, PRODUCTS + 1)]
    (tmp_path / "Shop.txt.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    (tmp_path / "items.tsv.gz").write_bytes(gzip.compress("\n".join(["item_id\tbrand\tcategories", *rows]).encode()))
    return tmp_path / "Shop.txt.gz", tmp_path / "items.tsv.gz"


def test_each_stage_is_measured_as_far_as_the_data_allows(files, monkeypatch):
    monkeypatch.setattr(new_shop, "ASKED", 80)
    found = measure(*files, shoppers=[0, 100], seeds=1, steps=2)
    assert [list(found[count]) for count in ("0", "100")] == [
        ["popularity", "counted"],
        ["popularity", "counted", "learned"],
    ]
    assert found["0"]["popularity"]["mean"] == 0  # all alike, and ties are lost
    assert found["0"]["counted"]["mean"] > 0.3  # one of five of the brand
    assert found["100"]["counted"]["mean"] > found["100"]["popularity"]["mean"]
    assert all(values["std"] == 0 for stages in found.values() for values in stages.values())


def test_a_shop_of_some_shoppers_holds_nobody_else(files):
    shop = read_shop(files[0])
    some = of_shoppers(shop, np.array([3, 9]))
    assert set(np.unique(some.log.shopper).tolist()) == {3, 9}
    assert len(some.vocabulary) == len(shop.vocabulary)


def test_what_was_met_is_out_and_the_padding_never_counts(files):
    shop = read_shop(files[0])
    asked = hold_out(shop.log, shop.explain_from).new_only().take([0])
    target, met = int(asked.targets[0][0]), asked.met[0]
    scores = np.zeros((1, PRODUCTS + 1))
    scores[0, 0], scores[0, met], scores[0, target] = 9, 8, 7
    assert ndcg_of(asked, lambda histories: scores) == 1
    scores[0, np.setdiff1d(np.arange(1, PRODUCTS + 1), [*met, target])[0]] = 7  # a tie is lost
    assert ndcg_of(asked, lambda histories: scores) == pytest.approx(1 / np.log2(3))
