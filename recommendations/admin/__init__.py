"""What the shop's staff see."""

from . import interactions, products, shoppers, versions  # noqa: F401
