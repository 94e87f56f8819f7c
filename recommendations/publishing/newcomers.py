"""Products of the mirror that a version does not know yet."""

from collections.abc import Sequence

from ..ml.newcomers import Newcomer, newcomers_of
from ..ml.room import ROWS
from ..ml.scorer import Scorer
from ..models import Product

# Products that came since the training, at most, the newest: each process makes a place for each.
MOST_NEWCOMERS = ROWS


def read_newcomers(scorer: Scorer, unknown: Sequence[str]) -> list[Newcomer]:
    """Of products that the scorer does not know (ids, the newest last) the newest that have a word it knows."""
    newest = list(Product.objects.described(unknown[-MOST_NEWCOMERS:]))
    words = {product_id: text for _, product_id, text in newest}
    return newcomers_of(scorer.query_index, scorer.popularity, words)
