"""The kinds of interaction, as stored and as the recommender reads them."""

from enum import IntEnum


class Kind(IntEnum):
    """What a shopper did; the numbers are stored, so they never change."""

    VIEW = 1
    SEARCH = 2
    SAVE = 3
    ADD_TO_CART = 4
    REMOVE_FROM_CART = 5
    PURCHASE = 6
    RETURN = 7


# What a kind that training never saw is read as; never stored.
NEUTRAL = 0

# The kinds that enter a sequence, weakest first: a return or a removal is no wish.
SEQUENCE_KINDS = (Kind.VIEW, Kind.SEARCH, Kind.SAVE, Kind.ADD_TO_CART, Kind.PURCHASE)
