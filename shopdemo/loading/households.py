"""Who the households are, in a few words: what they buy more of than others do."""

import pandas as pd

from ..journey import Journey
from ..models import Household

# A favourite must be at least this share of what a household buys, or one bag of bird seed would describe it.
LEAST_SHARE = 0.04
FAVOURITES = 2


def described_households(journey: Journey) -> list[Household]:
    """One row for each household, not stored yet."""
    lines = journey.lines
    shelf_of = {name: label.shelf.category for name, label in journey.labels.items()}
    shelf = lines.name.map(shelf_of).astype(str)
    counts = pd.crosstab(lines.household, shelf)
    share = counts.div(counts.sum(axis=1), axis=0)
    usual = counts.sum() / counts.to_numpy().sum()
    lift = share.div(usual).where(share >= LEAST_SHARE, 0)
    totals = counts.sum(axis=1)
    return [
        Household(number=int(number), purchases=int(totals[number]), favourites=_words(row))
        for number, row in lift.iterrows()
    ]


def _words(lift: pd.Series) -> str:
    return "|".join(lift.nlargest(FAVOURITES).index.str.lower())
