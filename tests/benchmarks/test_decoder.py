"""The decoder finds what only attributes tell, says nothing where there is nothing to say, and scores one by one."""

import gzip
import json
from datetime import UTC, datetime

import numpy as np
import pytest
import torch

from benchmarks.attribute_decoder import AttributeDecoder, encode_tokens
from benchmarks.attribute_matches import fit_matches, match_strength
from benchmarks.attributes import attributes_of, read_attributes
from benchmarks.data_files import read_data
from benchmarks.decoder import main
from benchmarks.reranking import NO_CANDIDATE, Pools, best_weight, fit_reranker, ndcg_of, pools_of
from recommendations.ml.kinds import Kind
from recommendations.ml.sequences import History
from recommendations.ml.splitting import HeldOut
from recommendations.ml.training.judge import Protocol, encode
from recommendations.ml.training.network import Network, NetworkSettings
from tests.benchmarks.test_protocols import N, made_lists

PRODUCTS, BRANDS, KINDS = 60, 12, (Kind.PURCHASE,)


@pytest.fixture(scope="module")
def network():
    """Fitted on nothing: whatever is found, attributes told it."""
    torch.manual_seed(0)
    return Network(PRODUCTS, NetworkSettings(width=8, feed_forward=16)).eval()


@pytest.fixture(scope="module")
def branded():
    """Item k is of brand k % BRANDS; of the last two nothing is known."""
    return attributes_of([{"brand": [str(k % BRANDS)]} for k in range(1, PRODUCTS - 1)] + [{}, {}], {"brand": 1})


def history(*items):
    return History.of(items, [Kind.PURCHASE] * len(items))


def brand_loyal(shoppers, seed):
    """Whoever met two products turns to another of the second's brand; the mix knows nothing and ties all."""
    rng = np.random.default_rng(seed)
    histories, targets = [], []
    for _ in range(shoppers):
        last, target = rng.permutation(np.arange(rng.integers(1, BRANDS + 1), PRODUCTS - 1, BRANDS))[:2]
        histories.append(history(rng.integers(1, PRODUCTS + 1), last))
        targets.append(np.array([target]))
    asked = HeldOut(
        np.arange(shoppers),
        np.arange(shoppers) % 2 == 0,
        histories,
        [h.items for h in histories],
        [np.ones(2)] * shoppers,
        targets,
    )
    protocol = Protocol("leave-one-out", asked, False)
    return pools_of(protocol, lambda some: np.zeros((len(some), PRODUCTS + 1)), size=PRODUCTS)


@pytest.fixture(scope="module")
def fitted(network, branded):
    return fit_reranker(branded, network, KINDS, brand_loyal(400, seed=0), passes=10)


def test_values_are_numbered_by_field_and_rare_or_missing_ones_are_unknown():
    products = [{"brand": ["a"], "path": ["x", "y"]}, {"brand": ["a"], "path": ["x"]}, {"brand": ["b"], "path": []}]
    found = attributes_of(products, {"brand": 1, "path": 2})
    # 1 and 2 say that brand and path are unknown, 3 is brand a, 4 path x; y and b are one product's alone
    assert found.tokens.tolist() == [[1, 2, 0], [3, 4, 0], [3, 4, 0], [1, 2, 0]]
    assert (found.unknown.tolist(), found.field.tolist(), found.count) == ([1, 2, 0], [0, 1, 1], 5)


def test_only_so_many_values_of_a_field_are_read_each_once():
    found = attributes_of([{"path": ["x", "x", "y", "z"]}] * 2, {"path": 2})
    assert found.tokens[1:].tolist() == [[2, 3], [2, 3]]


def test_the_hidden_state_at_each_token_is_the_reading_of_the_history_up_to_it(network):
    whole, short = history(5, 9, 2, 30), history(7)
    found = encode_tokens(network, [whole, short], KINDS)
    assert found.hidden.shape == (2, 4, 8)
    by_prefix = encode(network, [history(*whole.items[:k]) for k in (1, 2, 3, 4)], KINDS)
    assert np.allclose(found.hidden[0], by_prefix, atol=1e-5)
    assert np.allclose(found.hidden[1, 0], encode(network, [short], KINDS)[0], atol=1e-5)
    assert found.items[1].tolist() == [7, 0, 0, 0]


def test_where_only_the_attribute_decides_the_decoder_finds_it(fitted):
    """Five share a brand and tie, so the right one counts as the fifth: 1 / log2(6) = .387 is all there is."""
    unseen = brand_loyal(200, seed=1)
    added = fitted.added(unseen)
    assert np.mean(ndcg_of(unseen.lists(), unseen.asked)) == 0  # of sixty that tie it counts as the last
    assert np.mean(ndcg_of(unseen.lists(added), unseen.asked)) > 0.36
    assert best_weight(unseen, added)[0] > 0
    said = fitted.say([history(1, 5)], np.array([[17, 29, 41, 18, 30, 40]]))[0]  # three of 5's brand, three of others
    assert said[:3].min() > said[3:].max()


def test_before_it_is_fitted_it_adds_nothing(network, branded):
    decoder = AttributeDecoder(branded, 8).eval()
    encoded = encode_tokens(network, [history(1, 2)], KINDS)
    assert decoder(encoded, torch.tensor([[1, 2, 60]])).tolist() == [[0, 0, 0]]


def test_a_candidates_score_depends_on_no_other_and_on_no_other_history(fitted):
    """The explanations of a list rest on scores that are given one by one."""
    histories, items = [history(1, 5), history(*range(2, 30))], np.array([[17, 60, 3], [4, 17, 1]])
    together = fitted.say(histories, items)
    alone = [[fitted.say([h], np.array([[i]]))[0, 0] for i in row] for h, row in zip(histories, items, strict=True)]
    assert np.allclose(together, alone, atol=1e-5)


def test_products_of_which_nothing_is_known_are_alike_and_that_is_learned(fitted):
    found = fitted.say([history(1, 5)], np.array([[PRODUCTS - 1, PRODUCTS, 17]]))[0]
    assert found[:2] == pytest.approx(found[0], abs=1e-5)  # their places in one product of matrices differ
    assert found[1] < found[2]
    assert fitted.decoder.vectors.weight[1].abs().sum() > 0  # started at 0: fields read as unknown have moved it
    assert fitted.decoder.vectors.weight[0].abs().sum() == 0


def test_a_fit_repeats_exactly(network, branded):
    first, second = (fit_reranker(branded, network, KINDS, brand_loyal(70, 0), passes=2) for _ in range(2))
    pools = brand_loyal(20, seed=1)
    assert first.added(pools).tobytes() == second.added(pools).tobytes()


def test_the_encoder_stays_as_it_is(network, branded):
    before = [weights.clone() for weights in network.state_dict().values()]
    fit_reranker(branded, network, KINDS, brand_loyal(70, 0), passes=1)
    assert all(torch.equal(old, new) for old, new in zip(before, network.state_dict().values(), strict=True))


def asked_of(targets, met=()):
    return HeldOut(
        np.array([1]),
        np.array([True]),
        [history(1)],
        [np.array(met, int)],
        [np.ones(len(met), int)],
        [np.array(targets)],
    )


def test_the_pool_is_the_best_with_wrong_ones_first_among_equals_and_what_was_met_out():
    protocol = Protocol("leave-one-out", asked_of([3], met=[1]), True)
    found = pools_of(protocol, lambda asked: np.array([[9, 8, 5, 5, 7.0]]), size=4)
    assert found.items.tolist() == [[4, 2, 3, 0]]
    assert found.scores.tolist() == [[7, 5, 5, NO_CANDIDATE]]
    assert found.right.tolist() == [[False, False, True, False]]
    assert found.lists() == [[4, 2, 3]]
    assert found.lists(np.array([[0, 0, 2.5, 0]])) == [[3, 4, 2]]


def test_a_decoder_that_only_harms_is_not_listened_to():
    pools = Pools(asked_of([2]), np.array([[2, 3]]), np.array([[1, 0.9]]), np.array([[True, False]]))
    assert best_weight(pools, np.array([[0, 10.0]]))[0] == 0
    assert best_weight(pools, np.array([[10.0, 0]]))[0] == 0  # as good without


def test_matches_are_shares_of_values_the_newest_counting_most():
    products = [{"brand": ["a"], "path": ["x", "y"]}, {"brand": ["a"], "path": ["x"]}, {"path": ["y"]}, {"path": []}]
    found = attributes_of(products, {"brand": 1, "path": 2})
    strength = match_strength(found, [history(1, 2, 3)], np.array([[1, 4]]))
    # item 1: brand a stands at the second and third newest; of its path y at the newest, x at the second, both at 1
    assert strength[0, 0] == pytest.approx([0.6 + 0.36, 0.5 + 0.6 * 0.5 + 0.36, 1, 1])
    assert strength[0, 1].tolist() == [0, 0, 0, 0]  # to be unknown is no match


def test_counted_matches_find_what_only_the_attribute_decides(branded):
    unseen = brand_loyal(200, seed=1)
    added = fit_matches(branded, brand_loyal(100, seed=0)).added(unseen)
    assert np.mean(ndcg_of(unseen.lists(added), unseen.asked)) > 0.36


@pytest.fixture(scope="module")
def made_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("decoder")
    data, items = folder / "Made.txt.gz", folder / "Made_items.tsv.gz"
    with gzip.open(data, "wt") as stream:
        stream.writelines(f"{shopper} {' '.join(map(str, row))}\n" for shopper, row in enumerate(made_lists(), start=1))
    with gzip.open(items, "wt") as stream:
        stream.write("item_id\tasin\tbrand\tcategories\n")
        brands = ("Unknown", "A", "B")
        stream.writelines(f"{item}\tA{item}\t{brands[item % 3]}\tTop > Shelf {item % 2}\n" for item in range(1, N))
    return str(data), str(items)


def test_brand_and_categories_are_read_and_unknown_is_no_brand(made_files):
    found = read_attributes(made_files[0], read_data(made_files[0]), made_files[1], 0)
    brand, path = found.tokens[:, 0], found.tokens[:, 1:3]
    assert brand[1] == brand[4] != brand[2] == brand[5]
    assert brand[3] == brand[0] == found.unknown[0]
    assert path[1].tolist() == path[3].tolist() != path[2].tolist()
    assert found.tokens[N].tolist() == found.unknown.tolist()
    with pytest.raises(ValueError, match="pass --items FILE"):
        read_attributes(made_files[0], read_data(made_files[0]), None, 0)


def test_online_retail_tells_words_and_price_of_before(tmp_path):
    file = tmp_path / "online_retail_made.csv.gz"
    sales = [
        ("10001", "red tea cup", "2010-01-01T10:00:00", 1),
        ("10002", "blue tea cup", "2010-01-02T10:00:00", 1),
        ("10003", "red tin", "2010-01-03T10:00:00", 9),
        ("10004", "blue tin", "2010-01-04T10:00:00", 9),
        ("10005", "red cup", "2010-03-01T10:00:00", 9),
    ]
    with gzip.open(file, "wt") as stream:
        stream.write("invoice,stock_code,description,quantity,invoice_date,price,customer_id,country\n")
        stream.writelines(f"1,{code},{title},1,{time},{price},7,UK\n" for code, title, time, price in sales)
    found = read_attributes(str(file), read_data(file), None, int(datetime(2010, 2, 1, tzinfo=UTC).timestamp()))
    words, price = [set(row[row > 2]) for row in found.tokens[:, :8]], found.tokens[:, 8]
    assert [len(row) for row in words] == [0, 3, 3, 2, 2, 0]  # of what is sold later only, nothing is known
    assert len(words[1] & words[2]) == 2 and len(words[1] & words[3]) == len(words[3] & words[4]) == 1
    assert price[1] == price[2] != price[3] == price[4]
    assert found.tokens[5].tolist() == found.unknown.tolist()


def test_the_command_tells_both_beside_each_other(made_files, tmp_path):
    options = ("--data", made_files[0], "--items", made_files[1], "--protocol", "leave-one-out", "--steps", "2")
    main([*options, "--seeds", "1", "--json", str(tmp_path / "out.json")])
    found = json.loads((tmp_path / "out.json").read_text())
    for name in ("decoder", "matches"):
        assert found["mix"].keys() == found[name].keys() == found["gain"][name].keys() == {"ndcg@10", "hr@10"}
        difference = found[name]["ndcg@10"]["mean"] - found["mix"]["ndcg@10"]["mean"]
        assert found["gain"][name]["ndcg@10"]["mean"] == pytest.approx(difference, abs=2e-5)
        assert len(found["weights"][name]) == 1 and found["choosing"][name][0] >= 0  # 0 is among the weights
    assert found["cpu_seconds"].keys() == {"encoder", "mix", "pools", "decoder", "matches"}
    assert found["in_pool"] == 1  # thirty products, all in the pool
    assert found["milliseconds_a_list"] > 0 and found["shoppers"] == 40
