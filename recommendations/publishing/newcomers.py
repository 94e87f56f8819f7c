"""Products of the mirror that a version does not know yet."""

from collections.abc import Collection

from ..ml.artifact import POPULARITY, read_array
from ..ml.newcomers import Newcomer, newcomers_of
from ..ml.scorer import Scorer
from ..models import Product

# Products that came since the training, at most, the newest: each process makes a place for each.
MOST_NEWCOMERS = 1_000


def read_newcomers(scorer: Scorer, among: Collection[str] | None = None) -> list[Newcomer]:
    """The newest products, of those with these ids, that the scorer does not know and that have a word it knows."""
    words: dict[str, str] = {}
    for _, product_id, text in Product.objects.searchable(among):
        if scorer.vocabulary.number(product_id) == 0:
            words[product_id] = text
    newest = dict(list(words.items())[-MOST_NEWCOMERS:])
    return newcomers_of(scorer.query_index, read_array(scorer.directory, POPULARITY), newest)
