from dataclasses import replace

import numpy as np
import torch

from recommendations.ml.interactions import InteractionLog
from recommendations.ml.kept_fits import read_kept_fits
from recommendations.ml.kinds import Kind
from recommendations.ml.ranking import token_vectors
from recommendations.ml.scorer import Scorer
from recommendations.ml.sequences import NO_QUERIES, Queries
from recommendations.ml.splitting import split_time
from recommendations.ml.text import NO_INDEX, Words
from recommendations.ml.training.fit import FitSettings, fit
from recommendations.ml.training.network import Network, NetworkSettings
from recommendations.ml.training.pipeline import train
from recommendations.ml.training.reference import ReferenceScorer
from recommendations.ml.training.tables import build_tables
from recommendations.ml.training.windows import next_products
from tests.ml.made_artifact import make_artifact
from tests.ml.made_shop import FAST, chain_shop, vocabulary_of
from tests.ml.test_queries import FIRST, QUERIES, SECOND, N, history

SETTINGS = FitSettings(network=NetworkSettings(width=8, feed_forward=16))


def test_what_comes_next_is_the_next_product():
    items = np.array([5, FIRST, 7, SECOND, 8, FIRST])
    shopper = np.array([1, 1, 1, 1, 2, 2])
    assert next_products(items, shopper, QUERIES).tolist() == [7, 7, 0, 0, 0, 0]
    assert next_products(np.array([5, 6, 7]), np.array([1, 1, 2]), NO_QUERIES).tolist() == [6, 0, 0]
    assert next_products(np.zeros(0, np.int64), np.zeros(0, np.int64), NO_QUERIES).tolist() == []


def test_the_network_reads_a_search_as_serving_does():
    network = Network(N, SETTINGS.network)
    items = np.array([[5, FIRST, SECOND], [FIRST, 0, 2]])
    read = history([5, FIRST], [Kind.VIEW, Kind.SEARCH])
    expected = token_vectors(network.item_matrix.detach().numpy(), items, [read, read])
    found = network._vectors(torch.from_numpy(items), QUERIES)
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-6)
    found.sum().backward()
    assert network.item_matrix.grad[3].tolist() == [1.5] * 8  # two searches, three quarters each


def test_the_reference_agrees(tmp_path):
    make_artifact(tmp_path, n=N, trained_kinds=(1, 2, 6))
    read = history([5, FIRST, 7, FIRST, SECOND, 5], [1, 2, 6, 2, 2, 1])
    reference, served = ReferenceScorer.open(tmp_path), Scorer.open(tmp_path)
    np.testing.assert_allclose(reference.scores(read)[1:], served.scores([read])[0, 1:], atol=2e-3)


def with_searches_in(plain):
    """Every seventh event is followed by a search for the first of QUERIES."""
    n, some = int(plain.item.max()), np.arange(len(plain))[::7]
    return InteractionLog.from_rows(
        np.append(plain.shopper, plain.shopper[some]),
        np.append(plain.item, np.full(len(some), n + 1)),
        np.append(plain.kind, np.full(len(some), Kind.SEARCH)),
        np.append(plain.time, plain.time[some] + 1),
        queries=Queries(n + 1, QUERIES.bags),
    )


def test_the_fit_that_is_judged_reads_searches_as_they_were_then(tmp_path):
    log, settings = with_searches_in(chain_shop()), replace(FAST, steps=5, standard_errors=-1000.0)
    asked, fits = [], []

    def before(time):
        asked.append(time)
        return Words(NO_INDEX, replace(log.queries, bags=log.queries.bags[::-1]))

    for name, then in (("as now", None), ("as then", before)):
        (tmp_path / name).mkdir()
        assert train(log, vocabulary_of(40), tmp_path / name, settings, words_before=then).accepted
        fits.append(read_kept_fits(tmp_path / name, version=1))
    assert asked == [split_time(log)]
    judged, final = (
        [found.weights["item_matrix"].tobytes() for found in kept]
        for kept in ([fit.judged for fit in fits], [fit.final for fit in fits])
    )
    assert judged[0] != judged[1] and final[0] == final[1]


def test_searches_change_what_is_learned_and_nothing_that_is_counted():
    plain = chain_shop()
    searched, n = with_searches_in(plain), int(plain.item.max())
    now = int(searched.time.max()) + 1
    with_searches, without = build_tables(searched, n, now), build_tables(plain, n, now)
    assert Kind.SEARCH in with_searches.trained_kinds
    np.testing.assert_array_equal(with_searches.popularity, without.popularity)
    np.testing.assert_array_equal(with_searches.following.toarray(), without.following.toarray())
    network = fit(searched, with_searches, 3, SETTINGS, lambda share: None)
    assert torch.isfinite(network.item_matrix).all()
