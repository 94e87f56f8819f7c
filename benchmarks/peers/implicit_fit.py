"""implicit's item neighbours and its matrix factorisation. Runs in the peers' environment."""

import numpy as np
from answering import LIST_LENGTH, Answers, Clock, arguments, peak_rss_mb, read
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, TFIDFRecommender
from scipy.sparse import csr_matrix

SETTINGS = {"neighbours": 100, "factors": 64, "iterations": 15}


def models():
    """Name -> a model, on one thread."""
    yield "bm25", BM25Recommender(K=SETTINGS["neighbours"], num_threads=1)
    yield "tfidf", TFIDFRecommender(K=SETTINGS["neighbours"], num_threads=1)
    yield (
        "als",
        AlternatingLeastSquares(
            factors=SETTINGS["factors"], iterations=SETTINGS["iterations"], num_threads=1, random_state=0
        ),
    )


def counts(rows, shoppers, products):
    """(S, products + 1): how often each of `shoppers` met each item."""
    kept = np.isin(rows[:, 0], shoppers)
    row = np.searchsorted(shoppers, rows[kept, 0])
    ones = np.ones(len(row), np.float32)
    return csr_matrix((ones, (row, rows[kept, 1])), shape=(len(shoppers), products + 1))


def main():
    options = arguments()
    answers = Answers(options.folder, SETTINGS, ("implicit", "scipy"))
    for name, model in models():
        clock = Clock()
        clock.start()
        asked = read(options.question)
        model.fit(counts(asked.fitted, np.unique(asked.fitted[:, 0]), asked.products), show_progress=False)
        clock.stop()
        peak = peak_rss_mb()
        met = counts(asked.met, asked.shoppers, asked.products)
        rows = np.arange(len(asked.shoppers))
        items, scores = model.recommend(rows, met, N=LIST_LENGTH, recalculate_user=True)
        answers.add(name, clock, np.maximum(items, 0), scores, peak)


if __name__ == "__main__":
    main()
